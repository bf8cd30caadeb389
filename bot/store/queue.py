"""The durable queue: what is to be done, kept in PostgreSQL until it is done (procrastinate).

A job is deferred inside the transaction of the change that asks for it, and handled at least
once: a process that dies leaves its jobs to be found stalled and handled again, so handlers
look at the state before they act. Only this module knows procrastinate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import procrastinate
import psycopg
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from psycopg.types.json import Jsonb

from bot.cancelling import being_cancelled, end
from bot.errors import Unavailable
from bot.store.database import Database, Transaction
from bot.store.patient_jobs import PatientJobs, cause_of
from bot.store.queue_log import keep_arguments_out

logger = logging.getLogger(__name__)

HEARTBEAT = timedelta(seconds=2)
STALLED_AFTER = timedelta(seconds=8)
# Workers are woken by notifications; one that comes while they look for a job can be lost.
POLL_INTERVAL = timedelta(seconds=0.5)

Handler = Callable[..., Awaitable[None]]


class Lane(StrEnum):
    """Queues that never wait for one another, each with its own workers."""

    REQUESTS = "requests"  # what people typed and clicked
    POSTS = "posts"  # making Slack say what it should
    WORK = "work"  # operations, evidence, timers


WORKERS = {Lane.REQUESTS: 8, Lane.POSTS: 32, Lane.WORK: 16}


@dataclass(frozen=True)
class Backlog:
    """How many jobs of one lane wait, run and have failed."""

    waiting: int
    running: int
    failed: int


class Stopping(Exception):
    """Raised by a job's handler where this process stops: whoever runs next goes on at once."""


def may_pass(error: BaseException) -> bool:
    """Whether a job is tried again after this: something outside was away."""
    return isinstance(error, psycopg.OperationalError | ConnectionError) or (
        isinstance(error, Unavailable) and error.retryable
    )


class RetryWhatMayPass(BaseRetryStrategy):
    """Tries again what failed because something outside was away, or because this process is
    being stopped; a defect fails at once."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError | Stopping):
            return RetryDecision(retry_in={"seconds": 0})
        if not may_pass(exception):
            return None
        return RetryDecision(retry_in={"seconds": min(30, 2 ** min(job.attempts, 5))})


class Queue:
    """Defers jobs and works them off. `run` is entered once per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        keep_arguments_out()
        self._app = procrastinate.App(connector=procrastinate.PsycopgConnector())
        self._jobs = PatientJobs(self._app.connector)
        self._app.job_manager = self._jobs

    async def open(self) -> None:
        """Joins the database's pool for it; needed before anything is deferred."""
        await self._app.open_async(self._database.queue_pool)

    def handle(self, name: str, handler: Handler, *, lane: Lane = Lane.WORK) -> None:
        """Names the coroutine that handles jobs called `name`; its arguments are JSON values."""
        self._app.task(name=name, queue=lane.value, retry=RetryWhatMayPass())(handler)

    async def defer(
        self,
        tx: Transaction,
        name: str,
        arguments: Mapping[str, Any],
        *,
        lock: str | None = None,
        at: datetime | None = None,
    ) -> int:
        """Queues one job in the transaction; its number.

        Jobs with one lock run one at a time in the order queued. A job for later (`at`) takes
        no lock: it would hold up everything queued behind it until its time has come.
        """
        if lock is not None and at is not None:
            raise ValueError("a job for later takes no lock")
        task = self._app.tasks[name]
        deferrer = task.configure(lock=lock, schedule_at=at, connection=tx.connection)
        return await deferrer.defer_async(**arguments)

    async def run(self, lanes: Mapping[Lane, int] = WORKERS) -> None:
        """Works off jobs until cancelled. A worker that loses the database starts anew."""
        works = [self._work(lane, concurrency) for lane, concurrency in lanes.items()]
        tasks = [asyncio.create_task(work) for work in (*works, self._revive_stalled(tuple(lanes)))]
        try:
            # None ends by itself: one that does has met a defect, and that is the queue's end.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(tasks)

    async def _work(self, lane: Lane, concurrency: int) -> None:
        while True:
            try:
                await self._app.run_worker_async(
                    queues=[lane.value],
                    name=lane.value,
                    concurrency=concurrency,
                    fetch_job_polling_interval=POLL_INTERVAL.total_seconds(),
                    abort_job_polling_interval=POLL_INTERVAL.total_seconds(),
                    shutdown_graceful_timeout=5,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT.total_seconds(),
                    stalled_worker_timeout=STALLED_AFTER.total_seconds(),
                )
            except (procrastinate.exceptions.ConnectorException, psycopg.Error, OSError) as error:
                if being_cancelled():
                    raise asyncio.CancelledError from error
                told = {"lane": lane.value, "error": cause_of(error)}
                logger.warning("worker stopped", extra=told)
            await asyncio.sleep(1)

    async def _revive_stalled(self, lanes: tuple[Lane, ...]) -> None:
        """Gives the jobs of processes that died to those that live."""
        manager = self._app.job_manager
        is_asked = True
        while True:
            try:
                for lane in lanes:
                    stalled = await manager.get_stalled_jobs(
                        queue=lane.value, seconds_since_heartbeat=STALLED_AFTER.total_seconds()
                    )
                    for job in stalled:
                        logger.warning("job revived", extra={"job": job.id, "task": job.task_name})
                        await manager.retry_job(job, retry_at=datetime.now(UTC))
                is_asked = True
            except (procrastinate.exceptions.ConnectorException, psycopg.Error, OSError) as error:
                if is_asked:  # once in an outage
                    logger.warning("stalled jobs not looked for", extra={"error": cause_of(error)})
                is_asked = False
            await asyncio.sleep(HEARTBEAT.total_seconds())

    async def abort_running(self, tx: Transaction, name: str, arguments: Mapping[str, Any]) -> None:
        """Cancels the running jobs of that name and arguments where they run, with the
        transaction; those that wait stay. procrastinate's own call would end those too."""
        await tx.execute(
            "update procrastinate_jobs set abort_requested = true"
            " where task_name = %s and args @> %s and status = 'doing'",
            (name, Jsonb(dict(arguments))),
        )

    async def is_open(self, tx: Transaction, job: int) -> bool:
        """Whether a job waits or runs."""
        row = await tx.first(
            "select from procrastinate_jobs where id = %s and status in ('todo', 'doing')", (job,)
        )
        return row is not None

    @property
    def is_idle(self) -> bool:
        """Whether this process runs no job."""
        return self._jobs.is_idle

    def take_no_more(self) -> None:
        """Has this process begin no further job, though `run` goes on."""
        self._jobs.take_no_more()

    async def is_worked(self) -> bool:
        """Whether some process is alive that works off jobs."""
        row = await self._database.one(
            "select exists (select from procrastinate_workers"
            " where last_heartbeat > now() - %s) as alive",
            (STALLED_AFTER,),
        )
        return bool(row["alive"])

    async def backlog(self) -> dict[Lane, Backlog]:
        """What each lane has before it."""
        rows = await self._database.all(
            "select queue_name, status::text, count(*) as jobs from procrastinate_jobs"
            " group by queue_name, status"
        )
        counts = {(row["queue_name"], row["status"]): row["jobs"] for row in rows}
        return {
            lane: Backlog(
                waiting=counts.get((lane.value, Status.TODO.value), 0),
                running=counts.get((lane.value, Status.DOING.value), 0),
                failed=counts.get((lane.value, Status.FAILED.value), 0),
            )
            for lane in Lane
        }

    async def forget_old(self, tx: Transaction, older_than: timedelta) -> int:
        """Deletes jobs that failed or were given up longer ago than that; how many."""
        return await tx.execute(
            "delete from procrastinate_jobs where status in ('failed', 'aborted', 'cancelled')"
            " and id in (select job_id from procrastinate_events group by job_id"
            " having max(at) < now() - %s)",
            (older_than,),
        )
