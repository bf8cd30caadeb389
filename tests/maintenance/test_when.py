"""The times that people type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.errors import UsageError
from bot.maintenance.when import length_of, moment_of, reason_and_length, schedule_of

BERLIN = ZoneInfo("Europe/Berlin")
# A Sunday, 21:00 in Berlin.
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("text", "reason", "length"),
    [
        ("", "", None),
        ("Upgrade to 1.5", "Upgrade to 1.5", None),
        ("Upgrade to 1.5 for 30m", "Upgrade to 1.5", HALF),
        ("Upgrade FOR 1H30M", "Upgrade", timedelta(hours=1, minutes=30)),
        ("for 30m", "", HALF),
        ("for 30m Upgrade to 1.5", "Upgrade to 1.5", HALF),
        ("Upgrade for Black Friday for 30m", "Upgrade for Black Friday", HALF),
        ("closed for repair", "closed for repair", None),
        ("for the upgrade for 30m", "for the upgrade", HALF),
    ],
)
def test_a_reason_and_how_long(text: str, reason: str, length: timedelta | None) -> None:
    assert reason_and_length(text.split()) == (reason, length)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30m", 'Say "for 30m"'),
        ("Upgrade 30m", 'Say "for 30m"'),
        ("30m Upgrade", 'Say "for 30m"'),
        ("Upgrade for 30", '"30" is no length of time'),
        ("Upgrade for 30 minutes", '"30 minutes" is no length of time'),
        ("for 30 minutes", '"30" is no length of time'),
        ("Upgrade for 0m", "lasts longer than that"),
        ("Upgrade for 31d", "lasts 30d at most"),
        ("closed for 2 customers", '"2 customers" is no length of time'),
        ("for ever", '"ever" is no length of time'),
        ("FOR half an hour", '"half an hour" is no length of time'),
        ("for ten minutes Upgrade", '"ten minutes Upgrade" is no length of time'),
        ("for", '"" is no length of time'),
    ],
)
def test_what_may_have_been_meant_for_a_time_is_asked_about(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        reason_and_length(text.split())


def test_a_quoted_reason_is_taken_as_it_is() -> None:
    assert reason_and_length(["closed for 2 customers", "for", "30m"]) == (
        "closed for 2 customers",
        HALF,
    )
    assert reason_and_length(["for ever"]) == ("for ever", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22:00", datetime(2026, 11, 22, 21, 0, tzinfo=UTC)),
        ("20:00", datetime(2026, 11, 23, 19, 0, tzinfo=UTC)),
        ("9:05", datetime(2026, 11, 23, 8, 5, tzinfo=UTC)),
        ("21:00", datetime(2026, 11, 23, 20, 0, tzinfo=UTC)),
        ("2026-11-25 22:00", datetime(2026, 11, 25, 21, 0, tzinfo=UTC)),
        ("2027-07-01 22:00", datetime(2027, 7, 1, 20, 0, tzinfo=UTC)),
        ("in 2h", datetime(2026, 11, 22, 22, 0, tzinfo=UTC)),
        ("IN 90s", datetime(2026, 11, 22, 20, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_in_the_teams_zone(text: str, expected: datetime) -> None:
    assert moment_of(text.split(), NOW, BERLIN) == expected


@pytest.mark.parametrize("text", ["2026-11-25 22:00", "in 2h", " IN  2h"])
def test_a_moment_may_stand_in_quotes(text: str) -> None:
    assert moment_of([text], NOW, BERLIN) == moment_of(text.split(), NOW, BERLIN)
    starts, length, reason = schedule_of([text, "for", "30m", "Upgrade"], NOW, BERLIN)
    assert (starts, length, reason) == (moment_of([text], NOW, BERLIN), HALF, "Upgrade")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", '"" is no time'),
        ("tonight", '"tonight" is no time'),
        ("24:00", '"24:00" is no time'),
        ("22.00", '"22.00" is no time'),
        ("2026-11-31 22:00", "There is no 2026-11-31"),
        ("2026-11-22 20:59", "2026-11-22 20:59 has passed"),
        ("in soon", '"soon" is no length of time'),
        ("٢٢:00", "is no time"),
        ("2027-03-28 02:30", "There is no 02:30 on 2027-03-28 in Europe/Berlin"),
        ("2027-10-31 02:30", "02:30 comes twice on 2027-10-31 in Europe/Berlin"),
    ],
)
def test_other_moments_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        moment_of(text.split(), NOW, BERLIN)


def test_around_a_change_of_the_clocks_hours_are_hours() -> None:
    evening = datetime(2027, 10, 30, 22, 0, tzinfo=UTC)  # midnight in Berlin, clocks go back at 3
    assert moment_of(["01:59"], evening, BERLIN) == datetime(2027, 10, 30, 23, 59, tzinfo=UTC)
    assert moment_of(["03:00"], evening, BERLIN) == datetime(2027, 10, 31, 2, 0, tzinfo=UTC)
    assert moment_of(["in", "4h"], evening, BERLIN) == datetime(2027, 10, 31, 2, 0, tzinfo=UTC)


def test_a_schedule() -> None:
    words = ["22:00", "for", "1h", "Upgrade", "for", "Black", "Friday"]
    starts, length, reason = schedule_of(words, NOW, BERLIN)
    assert starts == datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
    assert (length, reason) == (timedelta(hours=1), "Upgrade for Black Friday")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "when and for how long"),
        ("22:00", "when and for how long"),
        ("for 30m", "when and for how long"),
        ("22:00 for", "Say for how long"),
        ("22:00 for ever", '"ever" is no length of time'),
        ("later for 30m", '"later" is no time'),
    ],
)
def test_other_schedules_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        schedule_of(text.split(), NOW, BERLIN)


def test_a_length_is_within_reason() -> None:
    assert length_of("30D") == timedelta(days=30)
    with pytest.raises(UsageError):
        length_of("999999d")
