"""What the terminal makes of Slack's messages."""

import pytest

from bot.slack import blocks
from bot.slack.message import Message
from bot.terminal import lines, plain


@pytest.mark.parametrize(
    ("mrkdwn", "text"),
    [
        ("*Daily* &amp; weekly &lt;3", "Daily & weekly <3"),
        ("<https://example.com/a|the post>", "the post (https://example.com/a)"),
        ("<@U0ALICE001>, <!subteam^S0OPS|@ops>", "U0ALICE001, @ops"),
        ("`20261122T020000Z` · 2 * 3 * 4", "20261122T020000Z · 2 * 3 * 4"),
        ("```\none\ntwo\n```", "one\ntwo\n"),
    ],
)
def test_mrkdwn_reads_as_plain_text(mrkdwn: str, text: str) -> None:
    assert plain(mrkdwn) == text


def test_times_are_this_machines() -> None:
    assert plain("<!date^0^{time}|whatever>").startswith(("01 Jan", "31 Dec"))


def test_a_message_is_its_texts_without_its_controls() -> None:
    message = Message(
        "Fallback.",
        [
            blocks.section("`/backup now` takes one"),
            blocks.context("a", "b"),
            blocks.actions(blocks.button("Cancel", "backup.cancel")),
        ],
    )
    assert list(lines(message)) == ["opsbell backup now takes one", "a  b"]
    assert list(lines(Message("Fallback."))) == ["Fallback."]
