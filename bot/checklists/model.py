"""Checklist runs and their items, and what is decided about them: no I/O, `now` is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from bot.checks.model import Reading

# What counts as posted late: the clock fires within seconds where nothing held it up.
PUNCTUAL = timedelta(minutes=2)


class ItemState(StrEnum):
    """Whether an item still asks for someone."""

    OPEN = "open"
    DONE = "done"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Item:
    """One line of a run. `by` and `at` say who closed it and when; actors as in the event log.

    `who` is whom the configuration names for it, `check` the check behind its evidence (""
    for none). `reading` is None while the evidence is looked for. `ticks` counts the changes of
    `state`.
    """

    position: int
    text: str
    check: str = ""
    who: str = ""
    state: ItemState = ItemState.OPEN
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    note: str = ""
    noted_by: str = ""
    claimed_by: str = ""
    reading: Reading | None = None
    ticks: int = 0

    @property
    def open(self) -> bool:
        """Whether it is neither done nor marked as not applicable."""
        return self.state is ItemState.OPEN


@dataclass(frozen=True)
class Carried:
    """An item that stayed open, and in how many postings in a row."""

    text: str
    times: int

    def as_json(self) -> dict[str, Any]:
        """The form in which the database keeps it."""
        return {"text": self.text, "times": self.times}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Carried:
        """The reverse of `as_json`."""
        return cls(value["text"], value["times"])


@dataclass(frozen=True)
class Run:
    """One posting of a checklist.

    `due_at` is the due time of its cron line (None: posted by hand), `deadline` the time by
    which its items should be closed (None: no such time). `key` names its post and its events.
    The last three say when the team was reminded at half time, told that time was up, and told
    that all was done.
    """

    id: int
    key: str
    name: str
    title: str
    channel: str
    due_at: datetime | None
    posted_at: datetime
    deadline: datetime | None
    actor: str
    items: tuple[Item, ...]
    carried: tuple[Carried, ...] = ()
    half_reminded_at: datetime | None = None
    time_up_at: datetime | None = None
    summarised_at: datetime | None = None

    @property
    def open_items(self) -> tuple[Item, ...]:
        """What is still open, in order."""
        return tuple(item for item in self.items if item.open)

    @property
    def closed(self) -> int:
        """How many items are done or not applicable."""
        return len(self.items) - len(self.open_items)

    @property
    def complete(self) -> bool:
        """Whether nothing is open."""
        return not self.open_items

    @property
    def completed_at(self) -> datetime | None:
        """When the last item was closed; None while one is open."""
        return max(item.at or self.posted_at for item in self.items) if self.complete else None

    @property
    def half_time(self) -> datetime | None:
        """Half-way between the posting and the deadline."""
        return self.deadline and self.posted_at + (self.deadline - self.posted_at) / 2

    @property
    def late(self) -> bool:
        """Whether it was posted well after its due time."""
        return self.due_at is not None and self.posted_at - self.due_at > PUNCTUAL

    def item(self, position: int) -> Item | None:
        """The item at a position; None where there is none."""
        return next((item for item in self.items if item.position == position), None)

    def is_late(self, item: Item) -> bool:
        """Whether an item was closed after the deadline."""
        return bool(self.deadline and item.at and item.at > self.deadline)

    def time_is_up(self, now: datetime) -> bool:
        """Whether the deadline has come."""
        return self.deadline is not None and now >= self.deadline

    def under_way(self, now: datetime) -> bool:
        """Whether it is still expected to be worked on."""
        return not self.complete and not self.time_is_up(now)

    def day(self, zone: ZoneInfo) -> str:
        """The day it belongs to, in the team's time zone: `Sun 22 Nov`."""
        return (self.due_at or self.posted_at).astimezone(zone).strftime("%a %-d %b")


class Reminder(StrEnum):
    """The two moments at which open items are named in the thread."""

    HALF_TIME = "half_time"
    TIME_UP = "time_up"


def moment_of(run: Run, reminder: Reminder) -> datetime | None:
    """When a reminder is due; None for a run without a deadline."""
    return run.half_time if reminder is Reminder.HALF_TIME else run.deadline


def is_owed(run: Run, reminder: Reminder, now: datetime) -> bool:
    """Whether a reminder is to be posted now: something is open, and it was not posted yet.

    Half time is not told once the deadline has come: the other reminder says more.
    """
    moment = moment_of(run, reminder)
    if run.complete or moment is None or now < moment:
        return False
    if reminder is Reminder.TIME_UP:
        return run.time_up_at is None
    return run.half_reminded_at is None and not run.time_is_up(now)


def run_key(name: str, due_at: datetime | None, run_id: int, zone: ZoneInfo) -> str:
    """The stable name of a run: `checklist:daily:2026-11-22T09:00`, in the team's time zone.

    The hour that autumn repeats is told apart by its offset. What is posted by hand bears its
    number instead of a due time.
    """
    if due_at is None:
        return f"checklist:{name}:by-hand-{run_id}"
    local = due_at.astimezone(zone)
    repeated = local.strftime("%z") if local.fold else ""
    return f"checklist:{name}:{local:%Y-%m-%dT%H:%M}{repeated}"


def carry_over(previous: Run | None) -> tuple[Carried, ...]:
    """What stayed open in the previous posting."""
    if previous is None:
        return ()
    before = {carried.text: carried.times for carried in previous.carried}
    return tuple(Carried(item.text, before.get(item.text, 0) + 1) for item in previous.open_items)


@dataclass(frozen=True)
class Rate:
    """How often an item was done, of the times it applied."""

    text: str
    done: int
    applied: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where it never applied."""
        return self.done / self.applied if self.applied else None


def finished(runs: Sequence[Run], now: datetime) -> list[Run]:
    """The runs whose outcome stands, in the order given, newest first.

    A run without a deadline counts as soon as a newer one exists, or all is done.
    """
    return [
        run
        for index, run in enumerate(runs)
        if not run.under_way(now) or (run.deadline is None and index > 0)
    ]


def item_rates(runs: Sequence[Run]) -> list[Rate]:
    """The rate of each item text over the runs (newest first), in the newest run's order."""
    texts = dict.fromkeys(item.text for run in runs for item in run.items)
    return [_rate(text, runs) for text in texts]


def run_share(run: Run) -> float | None:
    """The share of a run's items that were done, of those that applied."""
    applied = [item for item in run.items if item.state is not ItemState.NOT_APPLICABLE]
    done = sum(item.state is ItemState.DONE for item in applied)
    return done / len(applied) if applied else None


def _rate(text: str, runs: Sequence[Run]) -> Rate:
    states = [item.state for run in runs for item in run.items if item.text == text]
    applied = [state for state in states if state is not ItemState.NOT_APPLICABLE]
    return Rate(text, applied.count(ItemState.DONE), len(applied))
