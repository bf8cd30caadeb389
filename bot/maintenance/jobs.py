"""What happens to maintenances by themselves. A job says which end it is for, and looks at the
record when it comes: one that was extended does not end."""

from __future__ import annotations

import logging
from datetime import datetime

from bot.errors import OpsbellError, Refused
from bot.maintenance import store
from bot.maintenance.calendar import Calendar
from bot.maintenance.model import State, Window, unknown
from bot.maintenance.plans import OFF_RUNBOOK, Plans
from bot.maintenance.records import (
    BEGIN_JOB,
    END_JOB,
    OPSBELL,
    REWRITE_JOB,
    TOPIC_JOB,
    WARN_JOB,
    Records,
)
from bot.maintenance.steps import Switch
from bot.maintenance.topic import TopicKeeper
from bot.operations.plan import Plan
from bot.operations.service import Operations
from bot.store.database import Database, Transaction
from bot.store.locks import held_lock
from bot.store.queue import Lane, Queue

logger = logging.getLogger(__name__)


class Jobs:
    """The jobs of maintenances, and their names in the queue."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        operations: Operations,
        records: Records,
        calendar: Calendar,
        switch: Switch,
        plans: Plans,
        topic: TopicKeeper,
    ) -> None:
        self._database = database
        self._operations = operations
        self._records = records
        self._calendar = calendar
        self._switch = switch
        self._plans = plans
        queue.handle(BEGIN_JOB, self.begin)
        queue.handle(WARN_JOB, self.warn)
        queue.handle(END_JOB, self.end)
        queue.handle(REWRITE_JOB, self.rewrite)
        queue.handle(TOPIC_JOB, topic.follow, lane=Lane.POSTS)

    async def begin(self, window: int) -> None:
        """Turns a scheduled one on, unless it was cancelled, or its time passed without us."""
        async with self._database.transaction() as tx:
            found = await store.lock(tx, window)
            if not found or found.state is not State.SCHEDULED:
                return
            if not self._records.is_known(found.target):
                await self._calendar.missed(tx, found, unknown(found.target))
                return
            running = await store.lock_active(tx, found.target)
            if found.planned_end and found.planned_end <= self._records.clock():
                await self._calendar.missed(tx, found)
            elif running and not running.embedded and running.state is State.ON:
                await self._calendar.join(tx, found, running)
            else:
                await self._turn_on(tx, found)

    async def warn(self, window: int, until: str) -> None:
        """Says that the end is near."""
        async with self._database.transaction() as tx:
            await self._calendar.warn(tx, window, datetime.fromisoformat(until))

    async def end(self, window: int, until: str) -> None:
        """Ends it, unless it was extended, or somebody was quicker.

        It is ended by an operation, so behind whatever holds the target now. One whose target left
        the configuration is the lookout's.
        """
        async with self._database.transaction() as tx:
            found = await store.lock(tx, window)
            if not found or found.state is not State.ON or not found.until:
                return
            moved = found.until != datetime.fromisoformat(until)
            if moved or not self._records.is_known(found.target):
                return
            await self.end_again(tx, found, 0)

    async def end_again(self, tx: Transaction, window: Window, attempt: int) -> None:
        """Asks for its end, once per attempt: whatever kept the last one from it may be over."""
        if window.until is None:
            return
        until = window.until.isoformat()
        waiting = await self._operations.unfinished(tx, window.target)
        if any(_ends(operation.plan, until) for operation in waiting):
            return
        plan = self._plans.off(window.target, {"window": window.id, "until": until})
        await self._request(tx, plan, OPSBELL, f"{window.key}:end:{until}:{attempt}")

    async def rewrite(self, target: str) -> None:
        """Writes a moved end into the file. The target's lock is held, so that a file which an
        operation is removing does not come back."""
        async with held_lock(self._database.url, f"target:{target}"):
            async with self._database.transaction() as tx:
                window = await store.lock_active(tx, target)
            if window is None or window.state is not State.ON:
                return
            try:
                file = self._switch.file(target)
                there = await file.read()
                if there is not None and there.operation == window.on_operation:
                    await file.put(self._records.notice(window))
            except OpsbellError as error:
                # What stands in the file is for readers; its being there is what counts.
                logger.warning("file not rewritten", extra={"error": str(error)})

    async def _turn_on(self, tx: Transaction, window: Window) -> None:
        parameters = {
            "reason": window.reason,
            "seconds": window.length.total_seconds() if window.length else None,
            "window": window.id,
        }
        plan = self._plans.on(window.target, parameters)
        await self._request(tx, plan, window.actor, f"{window.key}:begin")

    async def _request(self, tx: Transaction, plan: Plan, actor: str, key: str) -> None:
        """Asks for an operation once, however often the job comes."""
        try:
            await self._operations.request(
                tx, plan, actor=actor, reason="schedule", request_key=key
            )
        except Refused as error:
            logger.info("asked for already", extra={"error": str(error)})


def _ends(plan: Plan, until: str) -> bool:
    """Whether it ends the maintenance of a target that ends then: one that was asked for before
    the end moved does not."""
    return plan.runbook == OFF_RUNBOOK and plan.parameters.get("until") in (None, until)
