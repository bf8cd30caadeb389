"""Maintenances as they are recorded, and the decisions about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.words import Sign

WARNING = timedelta(minutes=5)
"""How long before its end people are warned."""


class State(StrEnum):
    """scheduled → beginning → on → ending → over; or one of the rest, which are final as well.

    While it is beginning or ending, the file alone says whether the application is closed. One
    that is abandoned was on when its target left the configuration: its file is as it was.
    """

    SCHEDULED = "scheduled"
    BEGINNING = "beginning"
    ON = "on"
    ENDING = "ending"
    OVER = "over"
    CANCELLED = "cancelled"
    MISSED = "missed"
    UNDONE = "undone"
    ABANDONED = "abandoned"

    @property
    def active(self) -> bool:
        """Whether the application is, or may be, closed to visitors."""
        return self in ACTIVE

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self is not State.SCHEDULED and not self.active

    @property
    def sign(self) -> Sign:
        """The sign that stands beside the word."""
        return _SIGNS[self]


ACTIVE = frozenset({State.BEGINNING, State.ON, State.ENDING})
_SIGNS = {
    State.SCHEDULED: Sign.OPEN,
    State.BEGINNING: Sign.RUNNING,
    State.ON: Sign.PAUSED,
    State.ENDING: Sign.RUNNING,
    State.OVER: Sign.DONE,
    State.CANCELLED: Sign.REFUSED,
    State.MISSED: Sign.CRITICAL,
    State.UNDONE: Sign.UNDONE,
    State.ABANDONED: Sign.CRITICAL,
}


@dataclass(frozen=True)
class Window:
    """One maintenance of a target.

    `starts` is set where it was scheduled. `length` is None for one that somebody has to end;
    `until` is when it ends by itself, known once it has begun. `on_operation` and `off_operation`
    are the operations that turned it on and off. One that is `embedded` belongs to a longer
    operation (a deploy), whose message tells of it. `before` says that the file was there already,
    made by hand. `proven` says whether the page was seen to answer as it should (None: it was not
    looked at yet, or has no URL), `trouble` what it answered where it did not, or why one came to
    nothing.
    `warned` is the end that was warned of, `looks` the number of the next look at it.
    """

    id: int
    target: str
    state: State
    actor: str
    asked: datetime
    reason: str = ""
    starts: datetime | None = None
    length: timedelta | None = None
    began: datetime | None = None
    until: datetime | None = None
    ended: datetime | None = None
    ended_by: str = ""
    on_operation: int | None = None
    off_operation: int | None = None
    embedded: bool = False
    before: bool = False
    proven: bool | None = None
    trouble: str = ""
    topic_trouble: str = ""
    warned: datetime | None = None
    looks: int = 0

    @property
    def key(self) -> str:
        """Its stable name, for posts and events."""
        return f"maintenance:{self.id}"

    @property
    def planned_end(self) -> datetime | None:
        """When a scheduled one ends, however late it begins: people were told so."""
        return self.starts + self.length if self.starts and self.length else None

    def overlaps(self, starts: datetime, ends: datetime) -> bool:
        """Whether one that was scheduled meets another time."""
        end = self.planned_end
        return self.starts is not None and end is not None and self.starts < ends and starts < end

    def warns_at(self) -> datetime | None:
        """When people are warned of its end; None where it is too short for that, or open."""
        if self.until is None or self.began is None or self.until - self.began <= WARNING:
            return None
        return self.until - WARNING

    def extended(self, by: timedelta, now: datetime) -> datetime:
        """The end it would have if it were extended: counted from now where that has passed.

        Raises ValueError where it has no end.
        """
        if self.until is None:
            raise ValueError(f"{self.key} has no end")
        return max(self.until, now) + by


def unknown(target: str) -> str:
    """The trouble of one whose target left the configuration, or has no file there any more."""
    return f"Opsbell no longer knows a maintenance file of {target}"


@dataclass(frozen=True)
class Wish:
    """What somebody asked a maintenance to be. `scheduled` is the number of one to come."""

    target: str
    actor: str
    reason: str = ""
    length: timedelta | None = None
    scheduled: int | None = None
    embedded: bool = False
