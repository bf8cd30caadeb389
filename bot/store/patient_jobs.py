"""The queue's books are kept also where the database is away for a while.

A worker of procrastinate ends, and what it runs with it, as soon as one of its statements fails.
Here it waits until the database is back: what it runs goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import psycopg
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback

logger = logging.getLogger(__name__)

T = TypeVar("T")

PAUSE = 1.0
"""Seconds between two tries."""

SETTLED_AFTER = timedelta(seconds=10)
"""How long after its start, or after it could not be reached, the database is trusted to know who
is alive: those who live have had the time to say so."""

SLOW = timedelta(seconds=4)
"""A database that takes longer to answer was as good as away: those who live had to wait too."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""How long a worker that says nothing stays in the books. Nothing needs it to go: its jobs are
found all the same. One that lives and is not in the books would be taken for dead for good."""

_FORGETS_THE_CANCEL = (
    "update procrastinate_jobs set abort_requested = false"
    " where id = %(job_id)s and status = 'doing' and abort_requested"
)

_IN_WORK = "select id from procrastinate_jobs where worker_id = %(worker_id)s and status = 'doing'"

_IS_SETTLED = "select now() - pg_postmaster_start_time() > %(after)s::interval as settled"


class PatientJobs(JobManager):
    """procrastinate's own, tried again for as long as the database is away."""

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        # When this process's workers last tried to say that they live; infinite while they try.
        self._tried_to_beat: dict[int, float] = {}
        self._is_away = False
        self._back_since = -math.inf
        self._asking = 0
        self._held: set[int] = set()
        self._unheard: set[int] = set()
        self._takes_more = True

    @property
    def is_idle(self) -> bool:
        """Whether this process runs no job, and is getting none."""
        return not self._held and not self._asking

    def take_no_more(self) -> None:
        """Has this process get no further job."""
        self._takes_more = False

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job; None where there is none, or nobody can be asked."""
        if not self._takes_more:
            return None
        self._asking += 1
        try:
            if worker_id in self._unheard:
                await self._give_back(worker_id)
            job = await super().fetch_job(queues, worker_id)
        except ConnectorException as error:
            if not _is_away(error):
                raise
            self._unheard.add(worker_id)
            await asyncio.sleep(PAUSE)
            return None
        finally:
            self._asking -= 1
        if job is not None and job.id is not None:
            self._held.add(job.id)
        return job

    async def _give_back(self, worker_id: int) -> None:
        """Frees the job that a worker got by an answer which it never heard: it lives, so that
        nobody else would take the job for a dead one's."""
        rows = await self.connector.execute_query_all_async(_IN_WORK, worker_id=worker_id)
        for job_id in {row["id"] for row in rows} - self._held:
            logger.warning("job given back", extra={"job": job_id})
            await super().retry_job_by_id_async(job_id, datetime.now(UTC))
        self._unheard.discard(worker_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Says that the worker lives."""
        beat = super().update_heartbeat
        self._tried_to_beat[worker_id] = math.inf
        try:
            await _patiently("sign of life", lambda: beat(worker_id))
        finally:
            self._tried_to_beat[worker_id] = time.monotonic()

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
        self._held.discard(job_id)

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
        self._held.discard(job_id)

    async def get_stalled_jobs(
        self,
        nb_seconds: int | None = None,
        queue: str | None = None,
        task_name: str | None = None,
        seconds_since_heartbeat: float = 30,
    ) -> Iterable[Job]:
        """The jobs of workers that died. None where the database has just come back: those who
        live could not say so meanwhile. None of this process's own workers that live."""
        ask = super().get_stalled_jobs
        began = time.monotonic()
        if not await self._is_settled():
            return []
        jobs = await self._asked(ask(nb_seconds, queue, task_name, seconds_since_heartbeat))
        if time.monotonic() - began > SLOW.total_seconds():
            self._back_since = time.monotonic()
            return []
        silent = time.monotonic() - seconds_since_heartbeat
        living = {worker for worker, tried in self._tried_to_beat.items() if tried > silent}
        return [job for job in jobs if job.worker_id not in living]

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:
        """Forgets workers that died long ago; nobody where the database has just come back."""
        if not await self._is_settled():
            return []
        return await super().prune_stalled_workers(FORGOTTEN_AFTER.total_seconds())

    async def _is_settled(self) -> bool:
        ask = self.connector.execute_query_one_async
        row = await self._asked(ask(_IS_SETTLED, after=SETTLED_AFTER))
        back_for = time.monotonic() - self._back_since
        return bool(row["settled"]) and back_for > SETTLED_AFTER.total_seconds()

    async def _asked(self, question: Awaitable[T]) -> T:
        """Its answer. Remembers whether the database could be asked."""
        try:
            answer = await question
        except ConnectorException:
            self._is_away = True
            raise
        if self._is_away:
            self._is_away, self._back_since = False, time.monotonic()
        return answer


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
                logger.warning("database away", extra={"waits": what, "error": cause_of(error)})
            tried = True
            await asyncio.sleep(PAUSE)
        else:
            return


def cause_of(error: BaseException) -> str:
    """What the database said; procrastinate's own errors say only that there was one."""
    return str(error.__cause__ or error).strip()


def _is_away(error: ConnectorException) -> bool:
    """Whether this says nothing but that the database could not be asked."""
    return isinstance(error.__cause__, psycopg.OperationalError | psycopg.InterfaceError)
