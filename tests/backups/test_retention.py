"""Which sets stay, and why: the pure part."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.backups.model import Manifest
from bot.backups.retention import reasons
from bot.config.backups import Keep
from tests.backups.test_model import NOON, manifest

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(hours=24)


def days(*ago: float, **sizes: int) -> list[Manifest]:
    return [manifest(NOON - timedelta(days=day), **(sizes or {"database": 1})) for day in ago]


def superfluous(sets: list[Manifest], keep: Keep, zone: ZoneInfo, now: datetime) -> list[Manifest]:
    told = reasons(sets, keep, zone, now, DAY)
    return [one for one in sets if not told[one.id]]


def kept(sets: list[Manifest], keep: Keep, now: datetime = NOON) -> list[str]:
    gone = superfluous(sets, keep, BERLIN, now)
    return [f"{one.started:%m-%d}" for one in sets if one not in gone]


def test_the_last_ones_are_kept() -> None:
    assert kept(days(0, 1, 2, 3), Keep(last=2)) == ["11-22", "11-21"]
    assert kept(days(0), Keep(last=3)) == ["11-22"]
    assert superfluous([], Keep(last=1), BERLIN, NOON) == []


def test_the_newest_of_each_period_is_kept() -> None:
    sets = days(*range(70))
    keep = Keep(last=1, daily=3, weekly=3, monthly=3)
    assert kept(sets, keep) == [
        "11-22",  # last, day, week and month
        "11-21",
        "11-20",
        "11-15",  # a Sunday: the week before ended
        "11-08",
        "10-31",
        "09-30",
    ]


def test_each_says_all_its_reasons() -> None:
    sets = days(0, 1, 7, 22, 330)
    told = reasons(sets, Keep(last=1, daily=2, weekly=2, monthly=2, yearly=2), BERLIN, NOON, DAY)
    assert list(told.values()) == [
        ["last", "daily 2026-11-22", "weekly 2026-W47", "monthly 2026-11", "yearly 2026"],
        ["daily 2026-11-21"],
        ["weekly 2026-W46"],
        ["monthly 2026-10"],
        ["yearly 2025"],
    ]


def test_weeks_are_those_of_the_calendar_also_at_new_year() -> None:
    sets = [manifest(datetime(2027, 1, day, 12, tzinfo=UTC), database=1) for day in (4, 3, 1)]
    told = reasons(sets, Keep(last=1, weekly=2, yearly=1), BERLIN, sets[0].started, DAY)
    assert list(told.values()) == [
        ["last", "weekly 2027-W01", "yearly 2027"],
        ["weekly 2026-W53"],
        [],
    ]


def test_periods_without_a_set_do_not_count() -> None:
    assert kept(days(0, 100, 200), Keep(last=1, daily=2)) == ["11-22", "08-14"]


def test_the_newest_of_a_day_counts() -> None:
    sets = [manifest(NOON - timedelta(hours=hours), database=1) for hours in (0, 1, 2, 30)]
    told = reasons(sets, Keep(last=1, daily=7), BERLIN, NOON, DAY)
    assert list(told.values()) == [
        ["last", "daily 2026-11-22"],
        [],
        [],
        ["daily 2026-11-21"],
    ]


def test_days_are_those_of_the_time_zone() -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # already the 22nd in Berlin
    sets = [manifest(at, database=1) for at in (NOON, late, late - timedelta(hours=2))]
    gone = superfluous(sets, Keep(last=1, daily=2), BERLIN, NOON)
    assert gone == [sets[1]]


def test_a_day_of_25_hours_is_one_day() -> None:
    # The clock is set back in the night of 25 October 2026.
    times = [datetime(2026, 10, 24, 22, 5, tzinfo=UTC), datetime(2026, 10, 25, 22, 55, tzinfo=UTC)]
    sets = [manifest(at, database=1) for at in reversed(times)]
    told = reasons(sets, Keep(last=1, daily=2), BERLIN, NOON, DAY)
    assert list(told.values()) == [["last", "daily 2026-10-25"], ["oldest daily"]]


def test_smaller_sets_push_out_nothing_larger() -> None:
    full = manifest(NOON - timedelta(days=9), database=1, logs=1)
    logs = days(0, 1, 2, logs=1)
    assert superfluous([*logs, full], Keep(last=2), BERLIN, NOON) == [logs[2]]


def test_larger_sets_push_out_smaller_ones() -> None:
    logs = manifest(NOON - timedelta(days=9), logs=1)
    full = days(0, 1, database=1, logs=1)
    assert superfluous([*full, logs], Keep(last=2), BERLIN, NOON) == [logs]


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(days=4000)])
def test_sets_of_a_clock_that_was_ahead_push_out_none(ahead: timedelta) -> None:
    ghosts = [manifest(NOON + ahead + timedelta(days=day), database=1) for day in (2, 1, 0)]
    real = days(0, 1, 2)
    keep = Keep(last=2)
    told = reasons([*ghosts, *real], keep, BERLIN, NOON, DAY)
    assert [told[one.id] for one in ghosts] == [["dated in the future"]] * 3
    assert superfluous([*ghosts, *real], keep, BERLIN, NOON) == [real[2]]


def test_a_clock_that_was_set_back_removes_nothing_of_before() -> None:
    real = days(0, 1, 2)
    then = NOON - timedelta(days=4000)
    night = [manifest(then - timedelta(minutes=minute), database=1) for minute in (0, 1, 2)]
    gone = superfluous([*real, *night], Keep(last=2), BERLIN, then)
    assert gone == [night[2]]


def test_clocks_of_two_machines_differ_a_little() -> None:
    sets = [manifest(NOON + timedelta(minutes=2), database=1), *days(0, 1)]
    assert superfluous(sets, Keep(last=2), BERLIN, NOON) == [sets[2]]


def test_the_newest_set_of_each_part_stays_whatever_is_configured() -> None:
    # Beside the configuration's own limits, as if somebody had gone around them.
    nothing = Keep.model_construct(last=0, daily=0, weekly=0, monthly=0, yearly=0)
    sets = [*days(0, logs=1), *days(1, database=1, logs=1), *days(2, database=1, media=1)]
    assert superfluous(sets, nothing, BERLIN, NOON) == []
    older = days(3, database=1)
    assert superfluous([*sets, *older], nothing, BERLIN, NOON) == older


def test_the_oldest_stays_while_there_are_fewer_periods_than_count() -> None:
    keep = Keep(last=1, daily=2, yearly=3)
    sets = days(0, 1, 400, 600)  # 2026, 2026, 2025, 2025
    told = reasons(sets, keep, BERLIN, NOON, DAY)
    assert list(told.values()) == [
        ["last", "daily 2026-11-22", "yearly 2026"],
        ["daily 2026-11-21"],
        ["yearly 2025"],
        ["oldest yearly"],
    ]
    # A third year: the oldest of all is not needed any more.
    filled = [*sets, *days(800, 900)]
    assert superfluous(filled, keep, BERLIN, NOON) == [sets[3], filled[5]]
    assert superfluous(sets, Keep(last=1, daily=2), BERLIN, NOON) == sets[2:]


def test_a_daily_set_over_600_days_leaves_the_first_one() -> None:
    keep = Keep(last=3, daily=7, weekly=4, monthly=6, yearly=5)
    sets: list[Manifest] = []
    told: dict[str, list[str]] = {}
    for day in range(600):
        now = NOON + timedelta(days=day)
        sets = [manifest(now, database=1), *sets]
        told = reasons(sets, keep, BERLIN, now, DAY)
        sets = [one for one in sets if told[one.id]]
    assert sets[-1].started == NOON
    assert told[sets[-1].id] == ["oldest yearly"]


@pytest.mark.parametrize(
    ("reason", "operation"),
    [("before deploy #11", "deploy #11"), ("before restore in night-copy #7", "night-copy #7")],
)
def test_a_way_back_stays_as_long_as_it_may_be_taken(reason: str, operation: str) -> None:
    hours = [timedelta(hours=each) for each in (1, 23, 25, 26)]
    newer = [manifest(NOON - timedelta(minutes=each), database=1) for each in range(5)]
    taken = [manifest(NOON - each, database=1) for each in hours]
    sets = [*newer, *(one.model_copy(update={"reason": reason}) for one in taken)]
    told = reasons(sets, Keep(last=5), BERLIN, NOON, DAY)
    way_back = [f"way back from {operation}"]
    assert [told[one.id] for one in taken] == [way_back, way_back, [], []]


def test_what_a_person_wrote_as_the_reason_keeps_nothing() -> None:
    sets = [one.model_copy(update={"reason": "before lunch"}) for one in days(0, 0.1, 0.2)]
    assert [*reasons(sets, Keep(last=1), BERLIN, NOON, DAY).values()] == [["last"], [], []]
