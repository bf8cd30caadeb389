"""The clock on the real PostgreSQL: each due time once, late within the limit, missed said so."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.config.cron import CronLine
from bot.store import ticks
from bot.store.database import Database, Transaction
from schedules.clock import Clock, Scheduled

BERLIN = ZoneInfo("Europe/Berlin")


class Diary:
    """Notes what the clock did, and lets a test set the time."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.fired: list[str] = []
        self.missed: list[str] = []
        self.trouble: Exception | None = None

    async def fire(self, tx: Transaction, due_at: datetime) -> None:
        if self.trouble:
            raise self.trouble
        self.fired.append(due_at.astimezone(BERLIN).strftime("%m-%d %H:%M"))

    async def miss(self, tx: Transaction, due: Sequence[datetime]) -> None:
        self.missed += [at.astimezone(BERLIN).strftime("%m-%d %H:%M") for at in due]

    def scheduled(self, cron: str, catch_up: timedelta = timedelta(hours=6)) -> Scheduled:
        return Scheduled("thing", CronLine(cron), catch_up, self.fire, self.miss)

    def clock(self, database: Database, scheduled: Scheduled) -> Clock:
        return Clock(database, BERLIN, [scheduled], now=lambda: self.now)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


async def test_nothing_was_due_before_it_was_first_seen(database: Database) -> None:
    diary = Diary(berlin("2026-11-22 12:00"))
    thing = diary.scheduled("0 9 * * *")
    await diary.clock(database, thing).sweep(thing)
    assert diary.fired == []
    assert diary.missed == []


async def test_each_due_time_once_also_for_two_replicas_at_once(database: Database) -> None:
    diary = Diary(berlin("2026-11-22 08:59"))
    thing = diary.scheduled("0 9 * * *")
    clocks = [diary.clock(database, thing) for _ in range(2)]
    await clocks[0].sweep(thing)
    diary.now = berlin("2026-11-22 09:00")
    await asyncio.gather(*(clock.sweep(thing) for clock in clocks * 5))
    assert diary.fired == ["11-22 09:00"]


async def test_late_within_the_limit_it_is_made_up_and_beyond_it_is_missed(
    database: Database,
) -> None:
    diary = Diary(berlin("2026-11-20 08:00"))
    thing = diary.scheduled("0 9 * * *")
    clock = diary.clock(database, thing)
    await clock.sweep(thing)
    diary.now = berlin("2026-11-22 14:59")
    await clock.sweep(thing)
    assert diary.missed == ["11-20 09:00", "11-21 09:00"]
    assert diary.fired == ["11-22 09:00"]


async def test_what_was_called_missed_by_a_clock_that_was_ahead_is_done_at_its_time(
    database: Database,
) -> None:
    diary = Diary(berlin("2026-11-22 12:00"))
    thing = diary.scheduled("0 9 * * *")
    clock = diary.clock(database, thing)
    await clock.sweep(thing)
    diary.now = berlin("2026-11-25 20:00")
    await clock.sweep(thing)
    assert diary.missed == ["11-23 09:00", "11-24 09:00", "11-25 09:00"]
    for now in ("22 12:01", "23 09:00", "23 09:01", "24 09:00"):
        diary.now = berlin(f"2026-11-{now}")
        await clock.sweep(thing)
    assert diary.fired == ["11-23 09:00", "11-24 09:00"]


async def test_a_clock_that_is_set_back_is_followed(database: Database) -> None:
    diary = Diary(datetime.now(UTC) + timedelta(days=90))
    thing = diary.scheduled("* * * * *")
    leading = asyncio.create_task(diary.clock(database, thing).run())
    async with asyncio.timeout(60):
        while not await ticks.last(database, "thing", diary.now):
            await asyncio.sleep(0.05)
        diary.now = datetime.now(UTC)
        while not await ticks.last(database, "thing", diary.now):
            await asyncio.sleep(0.05)
    leading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leading


async def test_what_failed_is_claimed_by_nobody_and_tried_again(database: Database) -> None:
    diary = Diary(berlin("2026-11-22 08:00"))
    thing = diary.scheduled("0 9 * * *")
    clock = diary.clock(database, thing)
    await clock.sweep_all()
    diary.now = berlin("2026-11-22 09:00")
    diary.trouble = RuntimeError("no disk")
    await clock.sweep_all()
    diary.trouble = None
    await clock.sweep_all()
    assert diary.fired == ["11-22 09:00"]


@pytest.mark.parametrize(
    ("start", "end", "cron", "fired"),
    [
        # The hour from 02:00 to 03:00 does not exist: what was due in it runs right after it.
        ("2027-03-27 12:00", "2027-03-28 12:00", "30 2 * * *", ["03-28 03:00"]),
        # The hour from 02:00 to 03:00 comes twice: a fixed time runs in the first one only.
        ("2026-10-24 12:00", "2026-10-25 12:00", "30 2 * * *", ["10-25 02:30"]),
        ("2026-11-21 12:00", "2026-11-23 12:00", "0 9 * * 7", ["11-22 09:00"]),
        ("2026-11-21 12:00", "2026-11-24 12:00", "0 9 * * 1", ["11-23 09:00"]),
    ],
)
async def test_days_on_which_the_clocks_change_and_sundays(
    database: Database, start: str, end: str, cron: str, fired: list[str]
) -> None:
    diary = Diary(berlin(start))
    thing = diary.scheduled(cron, timedelta(days=7))
    clock = diary.clock(database, thing)
    await clock.sweep(thing)
    while diary.now < berlin(end):
        diary.now = (diary.now.astimezone(UTC) + timedelta(minutes=10)).astimezone(BERLIN)
        await clock.sweep(thing)
    assert diary.fired == fired


async def test_it_runs_by_itself_and_another_replica_takes_over(database: Database) -> None:
    """Two clocks on the real time, a line that is due each minute swept as soon as one leads."""
    diary = Diary(datetime.now(UTC))
    thing = diary.scheduled("* * * * *")
    await diary.clock(database, thing).sweep(thing)
    diary.now += timedelta(minutes=1)
    first = asyncio.create_task(diary.clock(database, thing).run())
    async with asyncio.timeout(20):
        while len(diary.fired) < 1:
            await asyncio.sleep(0.05)
        second = asyncio.create_task(diary.clock(database, thing).run())
        leaders = await database.one(
            "select count(*) as n from pg_locks where locktype = 'advisory' and granted"
        )
        assert leaders["n"] == 1
        first.cancel()
        diary.now += timedelta(minutes=1)
        while len(diary.fired) < 2:
            await asyncio.sleep(0.05)
    second.cancel()
    for task in (first, second):
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_next_due_times_soonest_first(database: Database) -> None:
    diary = Diary(berlin("2026-11-22 12:00"))
    later = Scheduled("b", CronLine("0 9 * * *"), timedelta(0), diary.fire, diary.miss)
    sooner = Scheduled("a", CronLine("0 13 * * *"), timedelta(0), diary.fire, diary.miss)
    upcoming = Clock(database, BERLIN, [later, sooner], now=lambda: diary.now).upcoming()
    assert [(u.name, u.at) for u in upcoming] == [
        ("a", berlin("2026-11-22 13:00")),
        ("b", berlin("2026-11-23 09:00")),
    ]
