"""The queue's books are kept also where the database is away for a while.

A worker of procrastinate ends, and what it runs with it, as soon as one of its statements fails.
Here it waits until the database is back: what it runs goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two tries."""

SETTLED_AFTER = timedelta(seconds=10)
"""How long after its start the database is trusted to know who is alive: those who live have had
the time to say so."""

_FORGETS_THE_CANCEL = (
    "update procrastinate_jobs set abort_requested = false"
    " where id = %(job_id)s and status = 'doing' and abort_requested"
)

_IS_SETTLED = "select now() - pg_postmaster_start_time() > %(after)s::interval as settled"


class PatientJobs(JobManager):
    """procrastinate's own, tried again for as long as the database is away."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job; None where there is none, or nobody can be asked."""
        try:
            return await super().fetch_job(queues, worker_id)
        except ConnectorException as error:
            if not _is_away(error):
                raise
            await asyncio.sleep(PAUSE)
            return None

    async def update_heartbeat(self, worker_id: int) -> None:
        """Says that the worker lives."""
        beat = super().update_heartbeat
        await _patiently("sign of life", lambda: beat(worker_id))

    async def list_jobs_to_abort_async(self, queue: str | None = None) -> Iterable[int]:
        """The jobs that are to be cancelled; none while nobody can be asked."""
        try:
            return await super().list_jobs_to_abort_async(queue)
        except ConnectorException as error:
            if not _is_away(error):
                raise
            return []

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Hears of new jobs until cancelled."""
        listen = super().listen_for_jobs
        await _patiently(
            "listening", lambda: listen(on_notification=on_notification, queues=queues)
        )

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        """A job whose end was not written would stay in work for ever, since its worker lives on;
        its lock would hold up everything behind it."""
        finish = super().finish_job_by_id_async
        await _patiently("end of a job", lambda: finish(job_id, status, delete_job))

    async def retry_job_by_id_async(
        self,
        job_id: int,
        retry_at: datetime,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """The same for a job that is to run again, also where its run was to be cancelled:
        procrastinate lets such a job fail. What was wished for is known to what it works on."""
        retry = super().retry_job_by_id_async
        forget = self.connector.execute_query_async
        await _patiently("end of a job", lambda: forget(_FORGETS_THE_CANCEL, job_id=job_id))
        await _patiently("end of a job", lambda: retry(job_id, retry_at, priority, queue, lock))

    async def get_stalled_jobs(
        self,
        nb_seconds: int | None = None,
        queue: str | None = None,
        task_name: str | None = None,
        seconds_since_heartbeat: float = 30,
    ) -> Iterable[Job]:
        """The jobs of workers that died. None where the database has just come back: those who
        live could not say so meanwhile."""
        if not await self._is_settled():
            return []
        return await super().get_stalled_jobs(nb_seconds, queue, task_name, seconds_since_heartbeat)

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:
        """Forgets workers that died; nobody where the database has just come back."""
        if not await self._is_settled():
            return []
        return await super().prune_stalled_workers(seconds_since_heartbeat)

    async def _is_settled(self) -> bool:
        row = await self.connector.execute_query_one_async(_IS_SETTLED, after=SETTLED_AFTER)
        return bool(row["settled"])


async def _patiently(what: str, write: Callable[[], Awaitable[None]]) -> None:
    tried = False
    while True:
        try:
            await write()
        except ConnectorException as error:
            if "was not found" in f"{error} {error.__cause__}":
                return  # an earlier try was written after all
            if not _is_away(error):
                raise
            if not tried:
                logger.warning("database away", extra={"waits": what})
            tried = True
            await asyncio.sleep(PAUSE)
        else:
            return


def _is_away(error: ConnectorException) -> bool:
    """Whether this says nothing but that the database could not be asked."""
    return isinstance(error.__cause__, psycopg.OperationalError | psycopg.InterfaceError)
