"""The clock posts checklists: once per due time, not on days left out, never silently missed."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedules.checklists import scheduled_checklists
from schedules.clock import Clock, Scheduled
from tests.checklists.conftest import Bench

# Clocks in Berlin go forward on 29 March 2026 (02:00 → 03:00), back on 25 October (03:00 → 02:00).
LISTS: Mapping[str, Any] = {
    "timezone": "Europe/Berlin",
    "holidays": [{"date": "2026-12-25", "name": "Christmas Day"}],
    "checklists": {
        "daily": {
            "title": "Daily",
            "schedule": "0 9 * * *",
            "skip_on": ["holidays", "sun"],
            "items": ["Look"],
        },
        "nightly": {"title": "Nightly", "schedule": "30 2 * * *", "items": ["Look"]},
        "hourly": {"title": "Hourly", "schedule": "0 * * * *", "items": ["Look"]},
        "release": {"title": "Release", "items": ["Look"]},
    },
}


@pytest.fixture
def configured() -> Mapping[str, Any]:
    return LISTS


def scheduled(bench: Bench, name: str) -> Scheduled:
    found = {each.name: each for each in scheduled_checklists(bench.settings, bench.checklists)}
    return found[f"checklist {name}"]


async def pass_by(bench: Bench, name: str, start: datetime, *stops: timedelta) -> None:
    """The clock is first seen at `start`, and looks again after each of the spans."""
    clock = Clock(bench.database, bench.settings.timezone, [], now=bench.clock)
    bench.clock.now = start
    await clock.sweep(scheduled(bench, name))
    for stop in stops:
        bench.clock.now = start + stop
        await clock.sweep(scheduled(bench, name))


def hours(count: int) -> list[timedelta]:
    return [timedelta(hours=n) for n in range(1, count + 1)]


async def test_lists_without_a_schedule_are_not_the_clocks(bench: Bench) -> None:
    names = [each.name for each in scheduled_checklists(bench.settings, bench.checklists)]
    assert names == ["checklist daily", "checklist nightly", "checklist hourly"]


async def test_days_left_out_are_recorded_and_post_nothing(bench: Bench) -> None:
    await pass_by(bench, "daily", datetime(2026, 12, 24, 0, tzinfo=UTC), *hours(24 * 4))
    assert await bench.posts_like("checklist:%") == [
        "checklist:daily:2026-12-24T09:00",
        "checklist:daily:2026-12-26T09:00",
    ]
    assert [
        (e["subject"], e["detail"]["why"]) for e in await bench.events("checklist.skipped")
    ] == [
        ("checklist:daily:2026-12-25T09:00", "Christmas Day"),
        ("checklist:daily:2026-12-27T09:00", "sun"),
    ]


@pytest.mark.parametrize(
    ("start", "keys"),
    [
        (
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            # 02:30 does not exist that night: it is due right after the gap.
            ["checklist:nightly:2026-03-29T03:00", "checklist:nightly:2026-03-30T02:30"],
        ),
        (
            datetime(2026, 10, 24, 12, tzinfo=UTC),
            ["checklist:nightly:2026-10-25T02:30", "checklist:nightly:2026-10-26T02:30"],
        ),
    ],
)
async def test_a_night_when_the_clocks_change_has_one_posting(
    bench: Bench, start: datetime, keys: list[str]
) -> None:
    await pass_by(bench, "nightly", start, *hours(48))
    assert await bench.posts_like("checklist:nightly:%") == keys


async def test_each_hour_of_the_night_that_has_one_more_is_posted(bench: Bench) -> None:
    await pass_by(bench, "hourly", datetime(2026, 10, 24, 23, 30, tzinfo=UTC), *hours(4))
    assert await bench.posts_like("checklist:hourly:%") == [
        "checklist:hourly:2026-10-25T02:00",
        "checklist:hourly:2026-10-25T02:00+0100",
        "checklist:hourly:2026-10-25T03:00",
        "checklist:hourly:2026-10-25T04:00",
    ]


async def test_late_within_catch_up_is_posted_and_says_so(bench: Bench) -> None:
    start = datetime(2026, 12, 1, 7, tzinfo=UTC)
    await pass_by(bench, "daily", start, timedelta(hours=6, minutes=30))
    said = await bench.said("checklist:daily:2026-12-01T09:00")
    assert "Posted 5 h 30 min after its time" in repr(said)


async def test_what_is_too_late_is_said_in_one_message(bench: Bench) -> None:
    # From Friday to Tuesday afternoon: Friday, Saturday, Monday are missed, Sunday is left out.
    start = datetime(2026, 12, 4, 0, tzinfo=UTC)
    await pass_by(bench, "daily", start, timedelta(days=4, hours=12))
    assert await bench.posts_like("checklist:%") == [
        "checklist:daily:2026-12-07T09:00:missed",
        "checklist:daily:2026-12-08T09:00",
    ]
    said = repr(await bench.said("checklist:daily:2026-12-07T09:00:missed"))
    assert (
        "Fri 4 Dec 09:00, Sat 5 Dec 09:00 and Mon 7 Dec 09:00 was not posted in time, nor" in said
    )
    assert [event["subject"] for event in await bench.events("checklist.skipped")] == [
        "checklist:daily:2026-12-06T09:00"
    ]


async def test_two_replicas_at_one_due_time_post_once(bench: Bench) -> None:
    start = datetime(2026, 12, 1, 7, tzinfo=UTC)
    clocks = [Clock(bench.database, bench.settings.timezone, [], now=bench.clock) for _ in range(2)]
    bench.clock.now = start
    await clocks[0].sweep(scheduled(bench, "daily"))
    bench.clock.now = start + timedelta(hours=1)
    await asyncio.gather(*(clock.sweep(scheduled(bench, "daily")) for clock in clocks))
    assert await bench.posts_like("checklist:%") == ["checklist:daily:2026-12-01T09:00"]
    assert len(await bench.events("checklist.posted")) == 1
