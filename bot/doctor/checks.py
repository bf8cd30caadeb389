"""The checks of the configuration, each tried once: can it be read at all?

What a check finds is how the world stands and no concern of the doctor's; what it cannot find out
is a mistake in it or around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.backups.stores import store_of
from bot.checks.model import Reading, State
from bot.checks.service import Checks
from bot.config.checks import Check, LogsCheck, SqlCheck
from bot.config.settings import Settings
from bot.doctor.model import Finding, unseen, well, wrong
from bot.doctor.patient import Patient
from bot.words import count, duration

AREA = "Checks"
LIMIT = timedelta(seconds=8)
"""A check with a longer time limit of its own is given up after this."""

_LATE = ("no answer within", "did not end within", "due to statement timeout")
"""How a reading says that its time was up: ours, the process's, PostgreSQL's."""


@dataclass(frozen=True)
class Ground:
    """What stands of a target: whether its database can be asked, and its services that run (None
    where they are no containers)."""

    database: bool
    services: frozenset[str] | None


async def findings(patient: Patient, grounds: Mapping[str, Ground]) -> list[Finding]:
    """A line for each check that cannot be read, and one for all others."""
    settings = patient.settings
    missing = {name: _missing(each, grounds) for name, each in settings.checks.items()}
    reader = Checks(_hurried(settings), patient.targets, newest_backup=_Newest(settings))
    try:
        readings = await reader.read_many(name for name, what in missing.items() if not what)
    finally:
        await reader.close()
    unknown = [each for each in readings.values() if each.state is State.UNKNOWN]
    told = [_told(each, settings.checks[each.check]) for each in unknown]
    told += [unseen(AREA, name, what) for name, what in missing.items() if what]
    if known := len(readings) - len(unknown):
        told.insert(0, well(AREA, "Readings", f"{count(known, 'check')} can be read."))
    return told


def _hurried(settings: Settings) -> Settings:
    """The same configuration with checks that wait LIMIT at most."""
    hurried = {
        name: check.model_copy(update={"timeout": min(check.timeout, LIMIT)})
        for name, check in settings.checks.items()
    }
    return settings.model_copy(update={"checks": hurried})


def _missing(check: Check, grounds: Mapping[str, Ground]) -> str:
    """What a check stands on and is told of already; "" where nothing is missing."""
    if isinstance(check, SqlCheck) and not grounds[check.target].database:
        return f"The database of {check.target} cannot be asked."
    if isinstance(check, LogsCheck):
        services = grounds[check.target].services
        if services is not None and check.service not in services:
            return f"The service {check.service} of {check.target} does not run."
    return ""


def _told(reading: Reading, check: Check) -> Finding:
    says = f"{reading.summary.rstrip('.')}."
    if check.timeout > LIMIT and any(late in reading.summary for late in _LATE):
        return unseen(AREA, reading.check, f"No answer within {duration(LIMIT)}.")
    todo = reading.detail or f"Correct checks.{reading.check}."
    return wrong(AREA, reading.check, says[:1].upper() + says[1:], todo)


class _Newest:
    """When a target's newest good backup was finished, straight from the store."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self, target: str) -> datetime | None:
        policy = self._settings.backups[target]
        newest = await store_of(self._settings, target).newest(policy.include)
        return newest.finished if newest else None
