"""What stands in a channel as rows: groups, days, what is new, threads, windows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.playground import LocalSlack, Workspace
from bot.playground.page.rows import Row, channel_messages, rows, thread_messages, thread_rows
from bot.playground.page.times import Times
from bot.playground.workspace import Channel
from tests.playground.helpers import Clock

START = datetime(2026, 11, 21, 23, 50, tzinfo=UTC).timestamp()
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC).timestamp()


def talk(*said: tuple[str, str, float]) -> tuple[LocalSlack, Channel]:
    """A #ops in which these people said these words at these minutes after the start."""
    clock = Clock(START)
    slack = LocalSlack(Workspace.sample(), clock=clock)
    channel = slack.workspace.find_channel("ops")
    for person, text, minutes in said:
        clock.now = START + minutes * 60
        slack.backend.timeline.post(channel, slack.workspace.find_person(person).id, text=text)
    return slack, channel


def shown(slack: LocalSlack, channel: Channel, first_new: str = "") -> list[Row]:
    messages, _ = channel_messages(channel, slack.workspace, "U0ALICE001", 50)
    return rows(messages, channel, times=Times(UTC), now=NOW, first_new=first_new)


async def test_one_authors_messages_stand_together_for_five_minutes() -> None:
    slack, channel = talk(
        ("alice", "a", 11), ("alice", "b", 15), ("bob", "c", 15.5), ("bob", "d", 21)
    )
    assert [row.is_grouped for row in shown(slack, channel)] == [False, True, False, False]


async def test_a_new_day_and_new_messages_begin_apart() -> None:
    slack, channel = talk(("alice", "a", 9), ("alice", "b", 11), ("alice", "c", 12))
    newest = slack.messages("ops")[-1].ts
    found = shown(slack, channel, first_new=newest)
    assert [row.day for row in found] == ["Yesterday", "Today", ""]
    assert [row.is_grouped for row in found] == [False, False, False]
    assert [row.is_first_new for row in found] == [False, False, True]


async def test_a_thread_is_told_of_and_shown_apart() -> None:
    slack, channel = talk(("alice", "parent", 11))
    (parent,) = slack.messages("ops")
    for person in ("bob", "alice", "bob"):
        await slack.person(person).say("reply", "ops", thread=parent)
    (row,) = shown(slack, channel)
    assert row.thread is not None
    assert (row.thread.replies, row.thread.people) == (3, ("U0BOB00001", "U0ALICE001"))
    assert row.thread.last == slack.replies(parent)[-1].ts
    found, has_earlier = thread_messages(channel, slack.workspace, "U0ALICE001", parent.ts, 3)
    assert not has_earlier
    in_thread = thread_rows(found, channel, times=Times(UTC), now=NOW)
    assert [each.message.text for each in in_thread] == ["parent", "reply", "reply", "reply"]
    assert [each.day for each in in_thread] == ["", "", "", ""]
    assert not any(each.thread for each in in_thread)


async def test_of_a_long_thread_the_newest_replies_are_shown_below_its_parent() -> None:
    slack, channel = talk(("alice", "parent", 11))
    (parent,) = slack.messages("ops")
    whisper = slack.backend.timeline.whisper
    for number in range(5):
        await slack.person("bob").say(f"reply {number}", "ops", thread=parent)
        whisper(channel, "U0BOT00001", "U0ALICE001", text=f"own {number}", thread_ts=parent.ts)
    found, has_earlier = thread_messages(channel, slack.workspace, "U0ALICE001", parent.ts, 2)
    assert [each.text for each in found] == ["parent", "reply 3", "own 3", "reply 4", "own 4"]
    assert has_earlier


async def test_only_the_persons_own_ephemeral_messages_of_the_window() -> None:
    slack, channel = talk(("bob", "one", 11))
    whisper = slack.backend.timeline.whisper
    whisper(channel, slack.backend.bot_id, "U0ALICE001", text="early")
    whisper(channel, slack.backend.bot_id, "U0BOB00001", text="for bob")
    for number in range(3):
        await slack.person("bob").say(f"later {number}", "ops")
    whisper(channel, slack.backend.bot_id, "U0ALICE001", text="late")
    messages, has_earlier = channel_messages(channel, slack.workspace, "U0ALICE001", 2)
    assert [each.text for each in messages] == ["later 1", "later 2", "late"]
    assert has_earlier
    messages, has_earlier = channel_messages(channel, slack.workspace, "U0ALICE001", 4)
    assert [each.text for each in messages][:2] == ["one", "early"]
    assert not has_earlier


async def test_rows_are_equal_until_something_changes() -> None:
    slack, channel = talk(("alice", "a", 11), ("alice", "b", 12))
    before = shown(slack, channel)
    assert shown(slack, channel) == before
    slack.backend.timeline.edit(slack.messages("ops")[1], text="changed")
    after = shown(slack, channel)
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)


@pytest.mark.parametrize(
    ("hour", "plain", "with_halves"),
    [(0, "00:05", "12:05 AM"), (9, "09:05", "9:05 AM"), (12, "12:05", "12:05 PM")],
)
def test_the_readers_own_clock(hour: int, plain: str, with_halves: str) -> None:
    ts = f"{datetime(2026, 11, 22, hour, 5, tzinfo=UTC).timestamp():.6f}"
    assert Times(UTC).clock(ts) == plain
    assert Times(UTC, has_twelve_hours=True).clock(ts) == with_halves
    berlin = Times(ZoneInfo("Europe/Berlin"))
    assert berlin.clock(ts) == f"{hour + 1:02}:05"


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), "Today"),
        (datetime(2026, 11, 21, tzinfo=UTC), "Yesterday"),
        (datetime(2026, 11, 16, tzinfo=UTC), "Monday 16 November"),
        (datetime(2025, 11, 16, tzinfo=UTC), "Sunday 16 November 2025"),
    ],
)
def test_days(day: datetime, name: str) -> None:
    assert Times(UTC).day(f"{day.timestamp():.6f}", NOW) == name
