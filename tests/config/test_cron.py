"""Cron lines mean what Debian's cron means, in particular when Berlin's clocks change.

Clocks go forward on 2026-03-29 and 2027-03-28 (02:00 → 03:00), back on 2026-10-25 and
2027-10-31 (03:00 → 02:00).
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.config.cron import CronLine

BERLIN = ZoneInfo("Europe/Berlin")


def due(line: str, start: str, end: str) -> list[str]:
    """The due times in Berlin between two UTC times, written with their offsets."""
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    times = CronLine(line).between(first, last, BERLIN)
    return [moment.strftime("%m-%d %H:%M%z") for moment in times]


@pytest.mark.parametrize("line", ["0 9 * * 0", "0 9 * * 7", "0 9 * * sun", "0 9 * * SUN"])
def test_0_and_7_are_sunday(line: str) -> None:
    start = datetime(2026, 11, 16, tzinfo=BERLIN)  # a Monday
    assert CronLine(line).next_after(start) == datetime(2026, 11, 22, 9, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("0 9 * * mon-fri", [16, 17, 18, 19, 20]),
        ("0 9 * * 1-5", [16, 17, 18, 19, 20]),
        ("0 9 * * sun-thu", [16, 17, 18, 19, 22]),
        ("0 9 * * 5-7", [20, 21, 22]),
        ("0 9 18 * fri", [18, 20]),  # both restricted: either one
        ("0 9 */2 * fri", []),  # begins with a star: both (the 20th is even)
        ("0 9 1-31/3 11 *", [16, 19, 22]),
    ],
)
def test_days_of_a_week(line: str, days: list[int]) -> None:
    start, end = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert [moment.day for moment in CronLine(line).between(start, end, BERLIN)] == days


@pytest.mark.parametrize(("year", "day"), [(2026, "03-29"), (2027, "03-28")])
def test_a_time_in_the_spring_gap_comes_right_after_it(year: int, day: str) -> None:
    times = due("30 2 * * *", f"{year}-{day}T00:00", f"{year}-03-30T22:00")
    assert times[0] == f"{day} 03:00+0200"
    assert times[1].endswith("02:30+0200")
    assert due("0 9 * * *", f"{year}-{day}T00:00", f"{year}-{day}T22:00") == [f"{day} 09:00+0200"]


def test_several_times_in_the_gap_come_once() -> None:
    times = due("10,20,50 2 * * *", "2026-03-29T00:00", "2026-03-29T22:00")
    assert times == ["03-29 03:00+0200"]


@pytest.mark.parametrize(("year", "day"), [(2026, "10-25"), (2027, "10-31")])
def test_a_time_that_autumn_repeats_comes_once(year: int, day: str) -> None:
    times = due("30 2 * * *", f"{year}-{day}T00:00", f"{year}-{day}T22:00")
    assert times == [f"{day} 02:30+0200"]


def test_started_in_the_repeated_hour_the_next_time_is_still_later() -> None:
    second_half_past_two = datetime(2026, 10, 25, 1, 10, tzinfo=UTC).astimezone(BERLIN)
    assert second_half_past_two.strftime("%H:%M%z") == "02:10+0100"
    following = CronLine("30 2 * * *").next_after(second_half_past_two)
    assert following.isoformat() == "2026-10-26T02:30:00+01:00"


def test_lines_that_begin_with_a_star_follow_the_real_hours() -> None:
    assert due("*/30 * * * *", "2026-10-24T23:59", "2026-10-25T02:00") == [
        "10-25 02:00+0200",
        "10-25 02:30+0200",
        "10-25 02:00+0100",
        "10-25 02:30+0100",
        "10-25 03:00+0100",
    ]
    assert due("*/30 * * * *", "2026-03-29T00:29", "2026-03-29T01:30") == [
        "03-29 01:30+0100",
        "03-29 03:00+0200",
        "03-29 03:30+0200",
    ]


@pytest.mark.parametrize("line", ["30 2 * * *", "*/20 * * * *", "15 */2 * * *", "0 0 * * 1"])
@pytest.mark.parametrize("start", ["2026-03-28", "2026-10-24", "2027-03-27", "2027-10-30"])
def test_from_any_minute_the_next_time_is_the_first_one_later(line: str, start: str) -> None:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    cron = CronLine(line)
    times = [t.astimezone(UTC) for t in cron.between(first, first + timedelta(days=9), BERLIN)]
    assert times == sorted(set(times))
    for minute in range(0, 2 * 24 * 60, 7):
        moment = first + timedelta(minutes=minute)
        expected = next(time for time in times if time > moment)
        assert cron.next_after(moment.astimezone(BERLIN)).astimezone(UTC) == expected


def test_the_start_is_left_out_and_the_end_counts() -> None:
    assert due("0 9 * * *", "2026-11-22T08:00", "2026-11-23T08:00") == ["11-23 09:00+0100"]


@pytest.mark.parametrize(
    "line", ["", "0 9 * *", "0 0 9 * * *", "@daily", "60 9 * * *", "0 9 * * fri-sun", "0 9 31 4 *"]
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"fields|bad|never"):
        CronLine(line)


def test_a_line_is_a_value() -> None:
    line = CronLine("0 9 * * *")
    assert (str(line), repr(line)) == ("0 9 * * *", "CronLine('0 9 * * *')")
    assert line == CronLine("0 9 * * *")
    assert line != CronLine("0 8 * * *")
    assert line != "0 9 * * *"
    assert len({line, CronLine("0 9 * * *")}) == 1


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        CronLine("0 9 * * *").next_after(datetime.fromisoformat("2026-01-01"))
