"""The queue's jobs of operations."""

from __future__ import annotations

from datetime import datetime

from bot.operations import store
from bot.store.database import Transaction
from bot.store.queue import Queue

RUN_JOB = "operation.run"
EXPIRE_JOB = "operation.expire"
GO_ON_JOB = "operation.go_on"


class Scheduling:
    """Defers what is to be done with operations, in the transaction that decides it."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def run(self, tx: Transaction, number: int, target: str) -> None:
        """Queues a run behind the target's others."""
        job = await self._queue.defer(tx, RUN_JOB, {"operation": number}, lock=f"target:{target}")
        await store.set_job(tx, number, job)

    async def abort(self, tx: Transaction, number: int) -> None:
        """Stops an operation's run where it runs, whichever process that is. A run that is yet to
        come goes on: it finds that the operation was cancelled."""
        await self._queue.abort_running(tx, RUN_JOB, {"operation": number})

    async def expire(self, tx: Transaction, number: int, at: datetime) -> None:
        """Looks at that time whether the operation still waits for people."""
        await self._queue.defer(tx, EXPIRE_JOB, {"operation": number}, at=at)

    async def go_on(self, tx: Transaction, number: int, at: datetime) -> None:
        """Goes on at that time without approvals."""
        await self._queue.defer(tx, GO_ON_JOB, {"operation": number}, at=at)
