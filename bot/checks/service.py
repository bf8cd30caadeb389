"""Reads checks: all at once, each within its own time limit, never with an exception."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from bot.checks.backup_age import NewestBackup, look_at_backup_age
from bot.checks.disk import look_at_disk
from bot.checks.finding import Finding
from bot.checks.http import look_at_url
from bot.checks.logs import look_at_logs
from bot.checks.model import Reading, State
from bot.checks.sql import look_with_sql
from bot.config import Settings
from bot.config.checks import BackupAgeCheck, Check, DiskCheck, HttpCheck, LogsCheck, SqlCheck
from bot.errors import OpsbellError, Unavailable
from bot.targets.targets import Targets
from bot.words import duration

_SUMMARY_LENGTH = 300

Redact = Callable[[str], str]
InMaintenance = Callable[[str], Awaitable[bool]]
"""Whether a target is in maintenance now; never raises."""

log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Checks:
    """The checks of the configuration.

    Whatever goes wrong with a look is an unknown reading with the reason in one line. A look that
    exceeds its time limit is given up; until it has really ended, its check reads unknown at once,
    so that looks which hang never pile up, nor threads which hang in the kernel.
    """

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        *,
        newest_backup: NewestBackup | None = None,
        in_maintenance: InMaintenance | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._redactor = targets.redactor()
        self._newest_backup = newest_backup
        self._in_maintenance = in_maintenance
        self._now = now
        self._given_up: dict[str, asyncio.Task[Finding]] = {}

    def names(self) -> tuple[str, ...]:
        """The names of all checks, as the configuration orders them."""
        return tuple(self._settings.checks)

    async def read(self, name: str) -> Reading:
        """One look. Never raises: what went wrong is the summary of an unknown reading."""
        return (await self.read_many([name]))[name]

    async def read_many(self, names: Iterable[str]) -> dict[str, Reading]:
        """Looks at all of them concurrently; takes as long as the longest time limit at most."""
        wanted = list(dict.fromkeys(names))
        readings = await asyncio.gather(*map(self._read, wanted))
        return dict(zip(wanted, readings, strict=True))

    async def close(self) -> None:
        """Waits for the looks that were given up; each is bounded. A disk's answer may never come,
        so that is not waited for."""
        for look in self._given_up.values():
            if not look.cancelling():
                look.cancel()
        if self._given_up:
            await asyncio.wait(self._given_up.values())

    async def _read(self, name: str) -> Reading:
        taken_at = self._now()
        try:
            check = self._settings.checks.get(name)
            if check is None:
                raise Unavailable(f"There is no check called {name}.", retryable=False)
            redact = self._redact(check)
            finding = await self._within_limit(name, check, redact, taken_at)
            summary = _one_line(redact(finding.summary)) + await self._excuse(check, finding)
            return Reading(
                name,
                finding.state,
                summary,
                taken_at,
                value=finding.value,
                unit=finding.unit,
                detail=redact(finding.detail),
            )
        except OpsbellError as error:
            return Reading(name, State.UNKNOWN, error.message, taken_at, detail=error.hint)

    async def _excuse(self, check: Check, finding: Finding) -> str:
        """What to know of a finding that is not well: that its target is in maintenance."""
        target = target_of(check, self._settings)
        if finding.state is State.OK or not target or self._in_maintenance is None:
            return ""
        return f" ({target} is in maintenance)" if await self._in_maintenance(target) else ""

    async def _within_limit(
        self, name: str, check: Check, redact: Redact, taken_at: datetime
    ) -> Finding:
        if name in self._given_up:
            return _unknown("the look before this one has not ended yet")
        look = asyncio.create_task(self._look(name, check, redact, taken_at))
        try:
            await asyncio.wait({look}, timeout=check.timeout.total_seconds())
        finally:
            if not look.done():
                self._give_up(name, check, look)
        return _outcome(name, look) if look.done() else _late(check)

    def _give_up(self, name: str, check: Check, look: asyncio.Task[Finding]) -> None:
        # A look at a disk would end at once, and its thread hang on where nobody knows of it.
        if not isinstance(check, DiskCheck):
            look.cancel()
        self._given_up[name] = look
        look.add_done_callback(partial(self._has_ended, name))

    def _has_ended(self, name: str, look: asyncio.Task[Finding]) -> None:
        self._given_up.pop(name, None)
        if not look.cancelled():
            look.exception()  # marks it as seen: its reading has been given

    async def _look(self, name: str, check: Check, redact: Redact, now: datetime) -> Finding:
        match check:
            case DiskCheck():
                return await look_at_disk(check)
            case SqlCheck():
                return await look_with_sql(name, check, self._targets.get(check.target))
            case LogsCheck():
                target = self._targets.get(check.target)
                zone = self._settings.timezone
                return await look_at_logs(check, target, now, zone, redact)
            case BackupAgeCheck():
                if self._newest_backup is None:
                    raise Unavailable("Backups are not known here.", retryable=False)
                return await look_at_backup_age(check, self._newest_backup, now)
            case HttpCheck():
                return await look_at_url(check)

    def _redact(self, check: Check) -> Redact:
        """Hides all secrets; raises Unavailable where those of the check's target are not known."""
        return partial(self._redactor.redact, whose=getattr(check, "target", ""))


def target_of(check: Check, settings: Settings) -> str:
    """The target that a check looks at, "" for none: the one that it names, or the one at whose
    address its URL is."""
    if not isinstance(check, HttpCheck):
        return getattr(check, "target", "")
    asked = urlsplit(check.url)
    for name, target in settings.targets.items():
        for each in (target.maintenance, target.health):
            if each and each.url and urlsplit(each.url)[:2] == asked[:2]:
                return name
    return ""


def _outcome(name: str, look: asyncio.Task[Finding]) -> Finding:
    error = look.exception()
    if error is None:
        return look.result()
    if isinstance(error, OpsbellError):
        return Finding(State.UNKNOWN, error.message, detail=error.hint)
    number = secrets.token_hex(4)
    log.error(
        "check %s failed, error %s", name, number, exc_info=error, extra={"action": "check.read"}
    )
    return _unknown(f"an unexpected error; the log has it as {number}")


def _late(check: Check) -> Finding:
    return _unknown(f"no answer within {duration(check.timeout)}")


def _unknown(reason: str) -> Finding:
    return Finding(State.UNKNOWN, reason)


def _one_line(text: str) -> str:
    line = re.sub(r"\s*[\r\n]\s*", " ", text.strip())
    return line if len(line) <= _SUMMARY_LENGTH else f"{line[:_SUMMARY_LENGTH]}…"
