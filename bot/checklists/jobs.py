"""What happens to a run by itself: its evidence comes in, its open items are named in time.

A job may be handled twice, or by two processes at once: each looks at the locked run before it
acts, and what it did is kept in the same transaction.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import psycopg

from bot.checklists import store
from bot.checklists.model import Reminder, Run, is_owed, moment_of
from bot.checklists.publish import Publisher
from bot.checks.model import Reading, State
from bot.checks.service import Checks
from bot.store.database import Database, Transaction
from bot.store.events import Event
from bot.store.queue import Queue

EVIDENCE = "checklist.evidence"
REMIND = "checklist.remind"

TOGETHER = timedelta(seconds=0.5)
"""Readings that come within this after another are shown with it."""

logger = logging.getLogger(__name__)


class Jobs:
    """The jobs of the checklists, and their names in the queue."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        checks: Checks,
        publisher: Publisher,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._queue = queue
        self._checks = checks
        self._publisher = publisher
        self._now = now
        queue.handle(EVIDENCE, self.gather_evidence)
        queue.handle(REMIND, self.remind)

    async def look(self, tx: Transaction, run: Run, checks: Iterable[str]) -> None:
        """Queues a look at the checks behind a run's items, if there are any."""
        if wanted := sorted(set(checks) - {""}):
            await self._queue.defer(tx, EVIDENCE, {"run": run.id, "checks": wanted})

    async def gather_evidence(self, run: int, checks: list[str]) -> None:
        """Takes the readings, all at once and outside any transaction, and shows them as they
        come in. What goes wrong with one is its reading, so nobody waits for it."""
        looking = {asyncio.create_task(self._checks.read(name)): name for name in checks}
        try:
            waiting = set(looking)
            while waiting:
                ended, waiting = await _next_to_end(waiting)
                await self._keep(run, [self._reading(looking[look], look) for look in ended])
        finally:
            for look in looking:
                look.cancel()
            await asyncio.wait(looking)

    def _reading(self, check: str, look: asyncio.Task[Reading]) -> Reading:
        error = look.exception()
        return look.result() if error is None else self._unknown(check, error)

    def _unknown(self, check: str, error: BaseException) -> Reading:
        number = secrets.token_hex(4)
        logger.error("evidence lost", exc_info=error, extra={"check": check, "reference": number})
        told = f"an unexpected error; the log has it as {number}"
        return Reading(check, State.UNKNOWN, told, self._now())

    async def _keep(self, run: int, readings: Sequence[Reading]) -> None:
        """Keeps and shows readings, each for itself: one that cannot be kept loses no other."""
        async with self._database.transaction() as tx:
            if not await store.lock(tx, run):
                return
            for reading in readings:
                try:
                    async with tx.connection.transaction():
                        await store.set_reading(tx, run, reading)
                except (psycopg.DataError, UnicodeError) as error:
                    await store.set_reading(tx, run, self._unknown(reading.check, error))
            await self._publisher.pages(tx, await store.reload(tx, run), self._now())

    async def defer_reminders(self, tx: Transaction, run: Run) -> None:
        """Queues both reminders of a run that has a deadline."""
        for reminder in Reminder:
            if at := moment_of(run, reminder):
                arguments = {"run": run.id, "reminder": reminder.value}
                await self._queue.defer(tx, REMIND, arguments, at=at)

    async def remind(self, run: int, reminder: str) -> None:
        """Names what is open in the thread, once."""
        kind = Reminder(reminder)
        async with self._database.transaction() as tx:
            held = await store.lock(tx, run)
            moment = moment_of(held, kind) if held else None
            if held is None or moment is None:
                return
            # The queue goes by the database's clock: its time has come, even where this
            # machine's clock is behind and would have the job come for nothing.
            now = max(self._now(), moment)
            if not is_owed(held, kind, now):
                return
            await store.mark_reminded(tx, run, kind, now)
            reminded = await store.reload(tx, run)
            detail = {"open": [item.text for item in reminded.open_items]}
            if kind is Reminder.HALF_TIME:
                tx.record(Event("opsbell", "checklist.reminded", reminded.key, detail=detail))
                await self._publisher.half_time(tx, reminded, now)
            else:
                tx.record(Event("opsbell", "checklist.time_up", reminded.key, detail=detail))
                await self._publisher.pages(tx, reminded, now)
                await self._publisher.outcome(tx, reminded, now)


async def _next_to_end(
    waiting: set[asyncio.Task[Reading]],
) -> tuple[set[asyncio.Task[Reading]], set[asyncio.Task[Reading]]]:
    """The next look to end with those that end shortly after it, and those still under way."""
    first, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not waiting:
        return first, waiting
    others, waiting = await asyncio.wait(waiting, timeout=TOGETHER.total_seconds())
    return first | others, waiting
