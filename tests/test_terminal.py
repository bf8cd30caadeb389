"""What the terminal makes of Slack's messages."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from bot import terminal
from bot.errors import Refused
from bot.playground import LocalSlack
from bot.slack import blocks
from bot.slack.client import open_session, web_client
from bot.slack.message import Message
from bot.terminal import People, lines, mentioned, named, plain


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


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


async def test_each_person_is_asked_for_once(
    slack: LocalSlack, session: aiohttp.ClientSession
) -> None:
    people = People(web_client(session, slack.bot_token, slack.api_url))
    assert await people.names("<@U0ALICE001> and <@U0NOBODY01>") == {"U0ALICE001": "Alice Adams"}
    names = await people.names(Message("<@U0ALICE001>, <@U0BOB00001>, <@U0NOBODY01>"))
    assert names["U0BOB00001"] == "Bob Brown"
    assert len(slack.calls_to("users.info")) == 3


async def test_who_has_left_keeps_the_name(
    slack: LocalSlack, session: aiohttp.ClientSession
) -> None:
    slack.workspace.people["U0ALICE001"].deleted = True
    people = People(web_client(session, slack.bot_token, slack.api_url))
    assert await people.of(["U0ALICE001"]) == {"U0ALICE001": "Alice Adams"}


async def test_slack_is_not_waited_for_again_and_again(
    slack: LocalSlack, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "NAMES_LIMIT", 0.3)
    people = People(web_client(session, slack.bot_token, slack.api_url))
    slack.faults.silent("users.info", times=None)
    assert await people.names("<@U0ALICE001>") == {}
    assert await people.names("<@U0BOB00001>") == {}
    # On a busy machine the time may be over before the first question arrives.
    assert len(slack.calls_to("users.info")) <= 1


async def test_without_a_token_slack_is_not_asked(
    slack: LocalSlack, session: aiohttp.ClientSession
) -> None:
    assert await People(web_client(session, "", slack.api_url)).of(["U0ALICE001"]) == {}
    assert slack.calls_to("users.info") == []


async def test_errors_speak_as_the_terminal_does(
    slack: LocalSlack, session: aiohttp.ClientSession
) -> None:
    error = Refused("Locked by <@U0BOB00001>.", hint="/deploy unlock; /opsbell help says more.")
    people = People(web_client(session, slack.bot_token, slack.api_url))
    await people.explain(error)
    told = "Locked by Bob Brown. opsbell deploy unlock; opsbell help says more."
    assert f"{error.message} {error.hint}" == told
    assert str(error) == told


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
