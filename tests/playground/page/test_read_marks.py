"""What is new to whom, and where a URL leads."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.playground import Channel, LocalSlack
from bot.playground.page.place import Place, link_to, place_in
from bot.playground.page.read_marks import MOST, Read, ReadMarks, Unread

ALICE, BOB = "U0ALICE001", "U0BOB00001"


@pytest.fixture
def slack() -> LocalSlack:
    return LocalSlack(rate_limits=False)


@pytest.fixture
def reads(slack: LocalSlack) -> ReadMarks:
    return ReadMarks(slack.workspace, slack.backend.changes)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("nobody", {}),
        (f"<@{ALICE}> look", {"alice": 1}),
        ("<!subteam^S0OPS00001|@ops> look", {"alice": 1, "bob": 1}),
        ("<!here> look", {"alice": 1, "bob": 1, "eve": 1}),
    ],
)
async def test_calls(slack: LocalSlack, reads: ReadMarks, text: str, calls: dict[str, int]) -> None:
    channel = slack.workspace.find_channel("ops")
    slack.backend.timeline.post(channel, slack.backend.bot_id, text=text)
    for name in ("alice", "bob", "eve"):
        person = slack.workspace.find_person(name).id
        assert reads.unread(person, channel) == Unread(1, calls.get(name, 0))


async def test_reading_is_each_persons_own_and_told_once(
    slack: LocalSlack, reads: ReadMarks
) -> None:
    channel = slack.workspace.find_channel("ops")
    told: list[object] = []
    slack.backend.changes.listen(told.append)
    reads.mark(ALICE, channel)
    await slack.person("bob").say("Hello", "ops")
    reads.mark(ALICE, channel)
    reads.mark(ALICE, channel)
    assert [each for each in told if isinstance(each, Read)] == [Read(ALICE, channel.id)]
    assert reads.unread(ALICE, channel) == Unread()
    assert reads.unread(BOB, channel) == Unread()  # one's own words are never new
    assert reads.unread("U0EVE00001", channel) == Unread(1, 0)


async def test_marks_outlive_the_page(slack: LocalSlack, tmp_path: Path) -> None:
    kept = tmp_path / "read.json"
    channel = slack.workspace.find_channel("ops")
    await slack.person("bob").say("Before", "ops")
    ReadMarks(slack.workspace, slack.backend.changes, kept).mark(ALICE, channel)
    await slack.person("bob").say("After", "ops")
    later = ReadMarks(slack.workspace, slack.backend.changes, kept)
    assert later.unread(ALICE, channel) == Unread(1)
    assert later.unread("U0EVE00001", channel) == Unread(2)
    kept.write_text('[["U0ALICE001", "C0')
    damaged = ReadMarks(slack.workspace, slack.backend.changes, kept)
    assert damaged.unread(ALICE, channel) == Unread(2)
    damaged.mark(ALICE, channel)
    again = ReadMarks(slack.workspace, slack.backend.changes, kept)
    assert again.unread(ALICE, channel) == Unread()


async def test_everything_in_direct_messages_calls(slack: LocalSlack, reads: ReadMarks) -> None:
    direct = slack.person("alice").dm
    for number in range(MOST + 10):
        slack.backend.timeline.post(direct, slack.backend.bot_id, text=str(number))
    assert reads.unread(ALICE, direct) == Unread(MOST, MOST)


@pytest.mark.parametrize("channel", ["ops", "general"])
async def test_a_place_and_its_url(slack: LocalSlack, channel: str) -> None:
    alice = slack.person("alice")
    said = await slack.person("bob").say("Hello", channel)
    for place in (
        Place(slack.workspace.find_channel(channel).id),
        Place(slack.workspace.find_channel(channel).id, thread=said.ts),
        Place(alice.dm.id),
        Place(alice.dm.id, home=True),
    ):
        url = link_to(place, alice, slack.workspace)
        query = dict(pair.split("=") for pair in url.removeprefix("/?").split("&"))
        assert query.pop("as") == "alice"
        assert place_in(query, alice, slack.workspace) == place


@pytest.mark.parametrize("query", [{}, {"channel": "nowhere"}, {"channel": "secret"}])
async def test_a_url_that_leads_nowhere_opens_the_first_channel(
    slack: LocalSlack, query: dict[str, str]
) -> None:

    slack.workspace.add_channel(Channel("G1", "secret", "private_channel", {BOB}))
    ops = slack.workspace.find_channel("ops").id
    assert place_in(query, slack.person("alice"), slack.workspace) == Place(ops)
    gone = {"channel": "ops", "thread": "1.0"}
    assert place_in(gone, slack.person("alice"), slack.workspace) == Place(ops)
