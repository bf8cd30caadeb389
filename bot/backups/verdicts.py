"""What a restore drill has found out about a set: a value that backups are shown and kept by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Verdict:
    """The outcome of the newest restore drill of a set that came to one.

    `good` is whether the set can be restored; `summary` says what was found, in one line without
    secrets. A drill that could not be carried out says nothing about its set and is none.
    """

    target: str
    set_id: str
    good: bool
    at: datetime
    by: str
    operation: int
    summary: str


VerdictsOf = Callable[[str], Awaitable[Mapping[str, Verdict]]]
"""The verdicts on a target's sets, by set ID."""


async def no_verdicts(target: str) -> Mapping[str, Verdict]:
    """Where nobody drills."""
    return {}
