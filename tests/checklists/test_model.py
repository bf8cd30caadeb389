"""Decisions about runs: pure, so every moment can be tried."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.checklists.model import (
    Carried,
    Item,
    ItemState,
    Rate,
    Reminder,
    Run,
    carry_over,
    finished,
    is_owed,
    item_rates,
    run_key,
    run_share,
)

BERLIN = ZoneInfo("Europe/Berlin")
POSTED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
OPEN, DONE, NOT_APPLICABLE = ItemState


def run_of(
    states: Sequence[ItemState],
    *,
    due: timedelta | None = timedelta(hours=4),
    run_id: int = 1,
    carried: tuple[Carried, ...] = (),
) -> Run:
    return Run(
        id=run_id,
        key=f"checklist:daily:by-hand-{run_id}",
        name="daily",
        title="Daily maintenance",
        channel="ops",
        due_at=POSTED,
        posted_at=POSTED,
        deadline=POSTED + due if due else None,
        actor="opsbell",
        items=tuple(
            Item(n, f"item {n}", state=state, at=None if state is OPEN else POSTED)
            for n, state in enumerate(states, 1)
        ),
        carried=carried,
    )


@pytest.mark.parametrize(
    ("after", "reminder", "owed"),
    [
        (timedelta(hours=1, minutes=59), Reminder.HALF_TIME, False),
        (timedelta(hours=2), Reminder.HALF_TIME, True),
        (timedelta(hours=3, minutes=59), Reminder.HALF_TIME, True),
        (timedelta(hours=4), Reminder.HALF_TIME, False),
        (timedelta(hours=3, minutes=59), Reminder.TIME_UP, False),
        (timedelta(hours=4), Reminder.TIME_UP, True),
        (timedelta(days=2), Reminder.TIME_UP, True),
    ],
)
def test_reminders_are_owed_at_half_time_and_at_the_deadline(
    after: timedelta, reminder: Reminder, owed: bool
) -> None:
    assert is_owed(run_of([DONE, OPEN]), reminder, POSTED + after) is owed


@pytest.mark.parametrize("reminder", list(Reminder))
def test_no_reminder_is_owed_when_all_is_closed_or_there_is_no_deadline(
    reminder: Reminder,
) -> None:
    later = POSTED + timedelta(hours=3 if reminder is Reminder.HALF_TIME else 5)
    assert is_owed(run_of([OPEN]), reminder, later)
    assert not is_owed(run_of([DONE, NOT_APPLICABLE]), reminder, later)
    assert not is_owed(run_of([OPEN], due=None), reminder, later)


def test_progress_counts_what_is_not_applicable_as_closed() -> None:
    run = run_of([DONE, NOT_APPLICABLE, OPEN])
    assert (run.closed, run.complete, run.completed_at) == (2, False, None)
    assert [item.position for item in run.open_items] == [3]
    assert run_of([DONE, NOT_APPLICABLE]).completed_at == POSTED


def test_the_key_is_the_due_time_in_the_teams_zone() -> None:
    due = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert run_key("daily", due, 7, BERLIN) == "checklist:daily:2026-11-22T09:00"
    assert run_key("daily", None, 7, BERLIN) == "checklist:daily:by-hand-7"


def test_the_hour_that_autumn_repeats_gives_two_keys() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    keys = {run_key("hourly", first + timedelta(hours=n), 1, BERLIN) for n in range(3)}
    assert keys == {
        "checklist:hourly:2026-10-25T02:30",
        "checklist:hourly:2026-10-25T02:30+0100",
        "checklist:hourly:2026-10-25T03:30",
    }


def test_what_stays_open_again_and_again_is_counted() -> None:
    previous = run_of([OPEN, DONE, OPEN], carried=(Carried("item 3", 2),))
    assert carry_over(previous) == (Carried("item 1", 1), Carried("item 3", 3))


def test_a_day_is_the_teams_day() -> None:
    run = run_of([OPEN])
    assert run.day(BERLIN) == "Mon 23 Nov"
    assert run.day(ZoneInfo("Pacific/Honolulu")) == "Sun 22 Nov"


def test_rates_leave_out_what_did_not_apply() -> None:
    runs = [run_of([DONE, OPEN]), run_of([DONE, NOT_APPLICABLE]), run_of([OPEN, DONE])]
    assert item_rates(runs) == [Rate("item 1", 2, 3), Rate("item 2", 1, 2)]
    assert Rate("never", 0, 0).share is None
    assert [run_share(run) for run in runs] == [0.5, 1.0, 0.5]


def test_a_run_under_way_is_left_out_of_the_rates() -> None:
    now = POSTED + timedelta(hours=1)
    assert finished([run_of([OPEN])], now) == []
    assert len(finished([run_of([OPEN])], now + timedelta(hours=3))) == 1
    assert len(finished([run_of([DONE])], now)) == 1


def test_a_run_without_a_deadline_counts_once_a_newer_one_is_there() -> None:
    newest, older = run_of([OPEN], due=None, run_id=2), run_of([OPEN], due=None)
    assert finished([newest, older], POSTED) == [older]
