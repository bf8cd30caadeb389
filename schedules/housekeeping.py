"""Once a night: what has served its time is deleted from Opsbell's own database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.config.cron import CronLine
from bot.store.database import Transaction
from bot.store.queue import Queue
from schedules.clock import Scheduled

NIGHTLY = CronLine("17 3 * * *")
KEEP_FAILED_JOBS = timedelta(days=30)


def housekeeping(queue: Queue) -> Scheduled:
    """Jobs that failed long ago."""

    async def fire(tx: Transaction, due_at: datetime) -> None:
        await queue.forget_old(tx, KEEP_FAILED_JOBS)

    async def missed(tx: Transaction, due: Sequence[datetime]) -> None:
        """The next night does it as well."""

    return Scheduled("housekeeping", NIGHTLY, timedelta(hours=1), fire, missed)
