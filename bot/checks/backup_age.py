"""How long ago the newest good backup was finished."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.checks.finding import Finding
from bot.checks.model import State
from bot.checks.thresholds import judge, reached
from bot.config.checks import BackupAgeCheck
from bot.words import ago, duration

NewestBackup = Callable[[str], Awaitable[datetime | None]]
"""Gives the time of a target's newest good backup, None where there is none."""


async def look_at_backup_age(check: BackupAgeCheck, newest: NewestBackup, now: datetime) -> Finding:
    """No backup at all is critical: it is what the check is there to find."""
    finished = await newest(check.target)
    if finished is None:
        return Finding(State.CRITICAL, "there is no good backup yet")
    age, warn, crit = (_hours(span) for span in (now - finished, check.warn, check.crit))
    limit = reached(age, warn, crit)
    note = f" (limit {duration(timedelta(hours=limit))})" if limit is not None else ""
    return Finding(
        judge(age, warn, crit),
        f"last good backup {ago(finished, now)}{note}",
        value=round(age, 2),
        unit="h",
    )


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)
