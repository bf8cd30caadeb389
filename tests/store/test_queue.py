"""The durable queue on the real PostgreSQL: once, in order, and taken over from the dead."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from bot.errors import Unavailable
from bot.log import LineFormatter
from bot.store import patient_jobs
from bot.store.database import Database
from bot.store.patient_jobs import PatientJobs
from bot.store.queue import Lane, Queue
from tests.parts.postgres import PostgresServer

END_WHO_FINISHES = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and state = 'active' and wait_event_type = 'Lock'
      and query ilike '%finish_job%'"""


async def until(done: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        await done.wait()


async def test_a_job_of_a_transaction_that_failed_never_runs(
    database: Database, working: Queue
) -> None:
    ran: list[str] = []
    done = asyncio.Event()

    async def note(word: str) -> None:
        ran.append(word)
        done.set()

    working.handle("note", note)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await working.defer(tx, "note", {"word": "lost"})
            raise ZeroDivisionError
    async with database.transaction() as tx:
        await working.defer(tx, "note", {"word": "kept"})
    await until(done)
    assert ran == ["kept"]


async def test_what_a_job_was_given_is_not_logged(
    database: Database, working: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    failed = asyncio.Event()

    class Seen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                failed.set()

    async def fail(word: str) -> None:
        raise ZeroDivisionError

    working.handle("fail", fail)
    library = logging.getLogger("procrastinate.worker")
    library.addHandler(seen := Seen())
    try:
        async with database.transaction() as tx:
            job = await working.defer(tx, "fail", {"word": "https://answers.example/canary"})
        await until(failed)
    finally:
        library.removeHandler(seen)
    [record] = [each for each in caplog.records if each.name == library.name and each.exc_info]
    line = LineFormatter(str).format(record)
    assert f"ERROR procrastinate.worker job: job_error job={job} task=fail" in line
    assert "ZeroDivisionError" in line
    assert "canary" not in line


async def test_jobs_with_one_lock_run_in_order_one_at_a_time(
    database: Database, working: Queue
) -> None:
    log: list[str] = []
    done = asyncio.Event()

    async def note(number: int) -> None:
        log.append(f"begin {number}")
        await asyncio.sleep(0.01)
        log.append(f"end {number}")
        if number == 4:
            done.set()

    working.handle("note", note)
    for number in range(5):
        async with database.transaction() as tx:
            await working.defer(tx, "note", {"number": number}, lock="one")
    await until(done)
    assert log == [f"{word} {number}" for number in range(5) for word in ("begin", "end")]


async def test_what_failed_for_a_passing_reason_is_tried_again(
    database: Database, working: Queue
) -> None:
    tries: list[int] = []
    done = asyncio.Event()

    async def shaky() -> None:
        tries.append(1)
        if len(tries) < 2:
            raise Unavailable("Slack does not answer.")
        done.set()

    working.handle("shaky", shaky)
    async with database.transaction() as tx:
        await working.defer(tx, "shaky", {})
    await until(done)
    assert len(tries) == 2


async def test_a_defect_fails_at_once_and_is_counted(database: Database, working: Queue) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    working.handle("broken", broken)
    async with database.transaction() as tx:
        await working.defer(tx, "broken", {})
    async with asyncio.timeout(20):
        while (await working.backlog())[Lane.WORK].failed == 0:
            await asyncio.sleep(0.05)


async def test_a_job_for_later_takes_no_lock(database: Database, queue: Queue) -> None:
    async def nothing() -> None: ...

    queue.handle("nothing", nothing)
    later = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(ValueError, match="no lock"):
        async with database.transaction() as tx:
            await queue.defer(tx, "nothing", {}, lock="one", at=later)


async def test_the_jobs_of_a_dead_worker_are_taken_over(database: Database, queue: Queue) -> None:
    """A worker whose heartbeat stopped long ago left a job with a lock in `doing`."""
    done = asyncio.Event()

    async def note() -> None:
        done.set()

    queue.handle("note", note)
    async with database.transaction() as tx:
        await queue.defer(tx, "note", {}, lock="one")
        await tx.execute(
            "with dead as (insert into procrastinate_workers (last_heartbeat)"
            " values (now() - interval '1 hour') returning id)"
            " update procrastinate_jobs set status = 'doing', worker_id = (select id from dead)"
        )
    assert not await queue.is_worked()
    workers = asyncio.create_task(queue.run())
    await until(done)
    assert await queue.is_worked()
    workers.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await workers


@pytest.fixture
async def silent(database: Database, queue: Queue) -> int:
    """The number of a worker that has a job and whose heartbeat stopped long ago."""

    async def note() -> None: ...

    queue.handle("note", note)
    async with database.transaction() as tx:
        await queue.defer(tx, "note", {})
        row = await tx.one(
            "with dead as (insert into procrastinate_workers (last_heartbeat)"
            " values (now() - interval '1 hour') returning id)"
            " update procrastinate_jobs set status = 'doing', worker_id = (select id from dead)"
            " returning worker_id"
        )
    return int(row["worker_id"])


async def stalled(jobs: PatientJobs) -> list[int | None]:
    return [job.worker_id for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=8)]


@pytest.fixture
def jobs(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> PatientJobs:
    """The queue's books as a process sees them that has just begun."""
    monkeypatch.setattr(patient_jobs, "SETTLED_AFTER", timedelta(seconds=2))
    return PatientJobs(queue._app.connector)


async def dead_is_known(jobs: PatientJobs, silent: int) -> None:
    async with asyncio.timeout(20):
        while await stalled(jobs) != [silent]:
            await asyncio.sleep(0.05)


async def test_a_process_never_takes_its_own_living_workers_for_dead(
    database: Database, jobs: PatientJobs, silent: int
) -> None:
    """They say that they live, but it does not get through."""
    await dead_is_known(jobs, silent)
    await jobs.update_heartbeat(silent)
    await database.execute(
        "update procrastinate_workers set last_heartbeat = now() - interval '1h'"
    )
    assert await stalled(jobs) == []
    assert await stalled(PatientJobs(jobs.connector)) == [silent]


async def test_nobody_is_dead_to_a_database_that_could_not_be_reached(
    database: Database, jobs: PatientJobs, silent: int, postgres: PostgresServer
) -> None:
    """The server ran all the while."""
    await dead_is_known(jobs, silent)
    name = psycopg.conninfo.conninfo_to_dict(database.url)["dbname"]
    postgres.execute(f"alter database {name} allow_connections false")
    postgres.execute(
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    )
    with pytest.raises(ConnectorException):
        await stalled(jobs)
    postgres.execute(f"alter database {name} allow_connections true")
    found = None
    async with asyncio.timeout(30):
        while found is None:
            with contextlib.suppress(ConnectorException):
                found = await stalled(jobs)
    assert found == []
    await dead_is_known(jobs, silent)


async def test_a_running_job_is_cancelled_where_it_runs(database: Database, working: Queue) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        began.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.set()

    working.handle("long", long)
    async with database.transaction() as tx:
        await working.defer(tx, "long", {})
    await until(began)
    async with database.transaction() as tx:
        await working.abort_running(tx, "long", {})
    await until(ended)


async def test_the_end_of_a_job_is_written_also_where_the_connection_broke(
    database: Database, working: Queue
) -> None:
    """Else it would stay in work for ever, and hold up what waits for its lock."""
    began, may_end, handled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(number: int) -> None:
        if number == 2:
            handled.set()
            return
        began.set()
        await may_end.wait()

    working.handle("work", work)
    async with database.transaction() as tx:
        for number in (1, 2):
            await working.defer(tx, "work", {"number": number}, lock="one")
    await until(began)
    async with database.transaction() as tx:
        await tx.execute("select from procrastinate_jobs for update")
        may_end.set()
        async with asyncio.timeout(10):
            while not await database.all(END_WHO_FINISHES):
                await asyncio.sleep(0.05)
    await until(handled)


async def test_workers_end_when_told_also_without_their_database(
    database: Database, queue: Queue, postgres: PostgresServer
) -> None:
    """The worker cannot sign off any more; that error must not hide that it was told to end."""
    workers = asyncio.create_task(queue.run())
    async with asyncio.timeout(20):
        while not await queue.is_worked():
            await asyncio.sleep(0.05)
    name = psycopg.conninfo.conninfo_to_dict(database.url)["dbname"]
    postgres.execute(f"alter database {name} allow_connections false")
    postgres.execute(
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    )
    workers.cancel()
    done, _ = await asyncio.wait({workers}, timeout=40)
    assert done


async def test_a_job_whose_handing_over_was_never_heard_is_run(
    database: Database, working: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, lost = JobManager.fetch_job, list[int | None]()
    done = asyncio.Event()

    async def lose(jobs: JobManager, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        job = await fetch(jobs, queues, worker_id)
        if job is not None and not lost:
            lost.append(job.id)
            raise ConnectorException from psycopg.OperationalError("the connection is lost")
        return job

    async def note() -> None:
        done.set()

    monkeypatch.setattr(JobManager, "fetch_job", lose)
    working.handle("note", note)
    async with database.transaction() as tx:
        await working.defer(tx, "note", {})
    await until(done)
    assert lost
