"""What a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.targets.text import storable
from bot.words import Sign


class State(StrEnum):
    """How it stands, from good to unknown."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"

    @property
    def sign(self) -> Sign:
        """The sign that stands beside the word."""
        return {
            State.OK: Sign.DONE,
            State.WARNING: Sign.WARNING,
            State.CRITICAL: Sign.CRITICAL,
            State.UNKNOWN: Sign.UNKNOWN,
        }[self]


@dataclass(frozen=True)
class Reading:
    """One look at the world.

    `summary` is one line that stands alone ("disk 71 %", "4 failed since yesterday"); for an
    unknown state it is the reason. `value` is the number behind it in `unit`. `detail` holds
    further lines. Everything is redacted already, and all texts are made such that the database
    and Slack take them (`bot.targets.text`).
    """

    check: str
    state: State
    summary: str
    taken_at: datetime
    value: float | None = None
    unit: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        # A reading that cannot be kept would leave people waiting for it for ever.
        for name in ("check", "summary", "unit", "detail"):
            object.__setattr__(self, name, storable(getattr(self, name)))

    def as_json(self) -> dict[str, Any]:
        """The form in which the database keeps it."""
        return {
            "check": self.check,
            "state": self.state.value,
            "summary": self.summary,
            "taken_at": self.taken_at.isoformat(),
            "value": self.value,
            "unit": self.unit,
            "detail": self.detail,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Reading:
        """The reverse of `as_json`."""
        return cls(
            **(
                dict(value)
                | {"state": State(value["state"])}
                | {"taken_at": datetime.fromisoformat(value["taken_at"])}
            )
        )
