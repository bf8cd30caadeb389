"""The end of a job is written also where the database is away for a moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

logger = logging.getLogger(__name__)

PAUSE = 1.0
PATIENCE = 60
"""Times that the end of a job is tried to be written. A database that is away for longer ends the
worker itself, whose jobs are then found stalled."""


class PatientJobs(JobManager):
    """A job whose end was not written stays in work for ever, since its worker lives on; its lock
    would hold up everything behind it."""

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        """As procrastinate's, tried again where the database does not answer."""
        finish = super().finish_job_by_id_async
        await _written(job_id, lambda: finish(job_id, status, delete_job))

    async def retry_job_by_id_async(
        self,
        job_id: int,
        retry_at: datetime,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """As procrastinate's, tried again where the database does not answer."""
        retry = super().retry_job_by_id_async
        await _written(job_id, lambda: retry(job_id, retry_at, priority, queue, lock))


async def _written(job_id: int, write: Callable[[], Awaitable[None]]) -> None:
    for left in reversed(range(PATIENCE)):
        try:
            await write()
        except ConnectorException as error:
            if "was not found" in f"{error} {error.__cause__}":
                return  # an earlier try was written after all
            if not left:
                raise
            logger.warning("end of a job not written yet", extra={"job": job_id})
            await asyncio.sleep(PAUSE)
        else:
            return
