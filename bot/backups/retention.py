"""Which sets stay, and why. Pure: names and times in, reasons out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.backups.model import Manifest
from bot.config.backups import Keep

LAST = "last"
AHEAD = "dated in the future"
SKEW = timedelta(minutes=5)
"""How far the clocks of two machines may be apart."""

_PERIODS: tuple[tuple[str, Callable[[datetime], str]], ...] = (
    ("daily", lambda at: f"{at:%Y-%m-%d}"),
    ("weekly", lambda at: "{}-W{:02}".format(*at.isocalendar()[:2])),
    ("monthly", lambda at: f"{at:%Y-%m}"),
    ("yearly", lambda at: f"{at:%Y}"),
)


def dated_ahead(one: Manifest | None, now: datetime) -> bool:
    """Whether a clock that was ahead has dated a set: when it was taken is not known."""
    return one is not None and one.started > now + SKEW


def reasons(
    sets: Sequence[Manifest], keep: Keep, zone: ZoneInfo, now: datetime, undo_for: timedelta
) -> dict[str, list[str]]:
    """Why each of the good sets, given newest first, stays: ID → reasons such as `last` and
    `daily 2026-11-22`; none for one that goes.

    A set is measured against those alone that hold at least what it holds: any number of sets
    of the logs never pushes out a database. As one is kept as the last of these always, so is the
    newest set of each part. Sets that the clock has dated ahead of `now` stay, and push out none.
    A set that an operation has taken before it changed anything is the way back from it, and stays
    for `undo_for` whatever the rules.
    """
    ahead = [one for one in sets if dated_ahead(one, now)]
    past = [one for one in sets if not dated_ahead(one, now)]
    found = {one.id: [AHEAD] for one in ahead}
    for one in past:
        rivals = [each for each in past if each.parts >= one.parts]
        found[one.id] = list(_reasons(one, rivals, keep, zone))
        if one.way_back_from and now - one.started < undo_for:
            found[one.id].append(f"way back from {one.way_back_from}")
    return found


def _reasons(one: Manifest, sets: Sequence[Manifest], keep: Keep, zone: ZoneInfo) -> Iterator[str]:
    """The rules by which one of `sets` stays: it is among the last, or the newest of a period of
    the calendar that counts. Periods without a set do not count. As in restic, the oldest of all
    stays while there are fewer periods than a rule counts."""
    if one in sets[: max(keep.last, 1)]:
        yield LAST
    for rule, period in _PERIODS:
        newest: dict[str, Manifest] = {}
        for each in sets:
            newest.setdefault(period(each.started.astimezone(zone)), each)
        for name, each in list(newest.items())[: getattr(keep, rule)]:
            if each.id == one.id:
                yield f"{rule} {name}"
        unfilled = len(newest) < getattr(keep, rule)
        if unfilled and one.id == sets[-1].id and one not in newest.values():
            yield f"oldest {rule}"
