"""Which sets stay. Pure: names and times in, names out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.backups.model import Manifest
from bot.config.backups import Keep

_PERIODS: tuple[tuple[str, Callable[[datetime], tuple[int, ...]]], ...] = (
    ("daily", lambda at: (at.year, at.month, at.day)),
    ("weekly", lambda at: tuple(at.isocalendar()[:2])),
    ("monthly", lambda at: (at.year, at.month)),
    ("yearly", lambda at: (at.year,)),
)


def superfluous(sets: Sequence[Manifest], keep: Keep, zone: ZoneInfo) -> list[Manifest]:
    """The sets that no rule keeps, of good sets given newest first.

    A set is measured against those alone that hold at least what it holds: any number of sets
    of the logs never pushes out a database.
    """
    return [
        one
        for one in sets
        if one not in _kept([s for s in sets if s.parts >= one.parts], keep, zone)
    ]


def _kept(sets: Sequence[Manifest], keep: Keep, zone: ZoneInfo) -> list[Manifest]:
    """What one of the rules keeps: the last ones, and the newest of each period of the calendar.

    Periods without a set do not count.
    """
    kept = list(sets[: keep.last])
    for rule, period in _PERIODS:
        newest: dict[tuple[int, ...], Manifest] = {}
        for one in sets:
            newest.setdefault(period(one.started.astimezone(zone)), one)
        kept += list(newest.values())[: getattr(keep, rule)]
    return kept
