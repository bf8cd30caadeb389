"""Whether backups are proven as often as they should be, and what the last proof came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg

from bot.backups.model import BackupSet
from bot.backups.stores import store_of
from bot.backups.verdicts import Verdict
from bot.config.cron import CronLine
from bot.doctor.model import Finding, beware, well, wrong
from bot.doctor.patient import Patient
from bot.drills.store import newest
from bot.errors import Unavailable
from bot.store.embedded import running_url
from bot.words import ago, utc_now

SUBJECT = "Restore drill"
_TIME_TO_MAKE_ONE = timedelta(hours=6)


async def drill_findings(patient: Patient, name: str, area: str) -> list[Finding]:
    """The last drill of a target whose drills are scheduled, or that was drilled by hand.

    Nothing where Opsbell's own database, which knows of them, does not answer: that has a heading
    of its own.
    """
    settings = patient.settings
    url = settings.database.reveal() if settings.database else running_url(settings.data)
    if url is None:
        return []
    try:
        last = await newest(url, name)
    except (Unavailable, psycopg.Error):
        return []
    by_hand = f"opsbell backup verify{f' --target {name}' if len(settings.targets) > 1 else ''}"
    if last and not last.good:
        says = f"{last.set_id} failed {ago(last.at, utc_now())}: {last.summary}."
        todo = f"Make a new backup, then prove it: {by_hand}"
        return [wrong(area, SUBJECT, says, todo)]
    verify = settings.backups[name].verify
    if verify is None:
        return [_passed(area, last)] if last else []
    if overdue := await _overdue(patient, name, verify, last):
        return [beware(area, SUBJECT, overdue, f"Look whether opsbell run runs, or: {by_hand}")]
    return [_passed(area, last)] if last else []


def _passed(area: str, last: Verdict) -> Finding:
    return well(area, SUBJECT, f"{last.set_id} came back whole, {ago(last.at, utc_now())}.")


async def _overdue(patient: Patient, name: str, verify: CronLine, last: Verdict | None) -> str:
    """What to say where a drill should have been made since the last one; "" where not."""
    settings, now = patient.settings, utc_now()
    since = last.at if last else _first(await store_of(settings, name).sets())
    if since is None:
        return ""
    due = verify.next_after(since.astimezone(settings.timezone))
    if due + settings.backups[name].catch_up + _TIME_TO_MAKE_ONE > now:
        return ""
    before = f"The last one passed {ago(last.at, now)}" if last else "There was none yet"
    return f"{before}; one was due {ago(due, now)}."


def _first(sets: Sequence[BackupSet]) -> datetime | None:
    """When there was something to drill."""
    return min((one.manifest.finished for one in sets if one.manifest), default=None)
