"""What the terminal makes of Slack's messages."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.slack import blocks
from bot.slack.message import Message
from bot.terminal import lines, mentioned, named, plain


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


def test_people_have_names_where_they_are_known() -> None:
    message = Message("Locked.", [blocks.context("Locked by <@U0ALICE001> and <@U0BOB00001>")])
    assert mentioned(message) == {"U0ALICE001", "U0BOB00001"}
    names = {"U0ALICE001": "Alice"}
    assert list(lines(message, names)) == ["Locked by Alice and U0BOB00001"]
    assert named("*It* is <@U0ALICE001>", names) == "*It* is Alice"


def test_what_is_no_mrkdwn_is_left_as_it_is() -> None:
    outside = "*a* `b` &amp; <@U0ALICE001>"
    assert list(lines(Message("x", [blocks.paragraph(outside)]))) == [outside]


def test_times_say_their_zone() -> None:
    at = datetime(2026, 11, 25, 21, 30, tzinfo=UTC)
    told = plain(f"until {blocks.day_and_time(at, ZoneInfo('Europe/Berlin'))}")
    assert told == "until Wed 25 Nov 22:30 CET"


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
