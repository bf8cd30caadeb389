"""What happens to a run by itself: its evidence comes in, its open items are named in time.

A job may be handled twice, or by two processes at once: each looks at the locked run before it
acts, and what it did is kept in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.checklists import store
from bot.checklists.model import Reminder, Run, is_owed, moment_of
from bot.checklists.publish import Publisher
from bot.checks.service import Checks
from bot.store.database import Database, Transaction
from bot.store.events import Event
from bot.store.queue import Queue

EVIDENCE = "checklist.evidence"
REMIND = "checklist.remind"


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
        """Takes the readings, all at once and outside any transaction, and shows them."""
        readings = await self._checks.read_many(checks)
        async with self._database.transaction() as tx:
            if await store.lock(tx, run):
                await store.set_readings(tx, run, readings.values())
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
