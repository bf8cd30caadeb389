"""Opsbell's own database is stopped while an operation runs, and started again."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.cancelling import end
from bot.operations import engine
from bot.operations.model import StepContext
from bot.operations.states import OperationState
from bot.slack.client import web_client
from bot.slack.posts import RECONCILE, SHARE_FILES
from bot.store import queue as queue_module
from bot.store.database import Database
from bot.store.locks import lock_number
from bot.store.queue import Lane, Queue
from tests.operations.conftest import nothing
from tests.operations.house import House, Recorder, plan
from tests.parts.operations import new_operations
from tests.parts.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A server of these tests' own, which they may stop."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def database_url(own_postgres: PostgresServer) -> Iterator[str]:
    with own_postgres.new_database() as url:
        yield url


class Waits(Recorder):
    """A step that works until it is let go, and tells of itself meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = asyncio.Event()
        self.has_ended = asyncio.Event()
        self.lines = 0

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        self.log.append(f"run {context.step.planned.arguments['name']}")
        self.began.set()
        while not self.may_end.is_set():
            self.lines += 1
            await context.output(f"line {self.lines}")
            await asyncio.sleep(0.1)
        self.has_ended.set()
        return {"note": "written"}

    async def works_on(self, lines: int) -> None:
        """Waits until the step has written that many lines more."""
        until = self.lines + lines
        while self.lines < until:
            await asyncio.sleep(0.05)


@pytest.fixture
async def stopped(
    database: Database,
    queue: Queue,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    own_postgres: PostgresServer,
) -> AsyncIterator[House]:
    """An operation in its first step whose database was stopped for longer than a worker that says
    nothing is taken for alive, and waits to be started."""
    monkeypatch.setattr(queue_module, "HEARTBEAT", timedelta(seconds=0.5))
    monkeypatch.setattr(queue_module, "STALLED_AFTER", timedelta(seconds=2))
    queue.handle(RECONCILE, nothing, lane=Lane.POSTS)
    queue.handle(SHARE_FILES, nothing, lane=Lane.POSTS)
    operations = new_operations(database, queue, web_client(session, "xoxb-unused"))
    recorder = Waits()
    operations.register("record", recorder)
    house = House(database, queue, operations, recorder)
    workers = asyncio.create_task(queue.run())
    await house.request(plan("database", "media"))
    await asyncio.wait_for(recorder.began.wait(), 20)
    await asyncio.to_thread(own_postgres.stop)
    try:
        yield house
    finally:
        await end([workers])


ITS_WORKER_LIVES = """
    select from procrastinate_jobs job join procrastinate_workers worker on worker.id = worker_id
    where task_name = 'operation.run' and status = 'doing'
      and last_heartbeat > pg_postmaster_start_time()"""


LOCKED = """
    select from pg_locks
    where locktype = 'advisory' and (classid::bigint << 32) | objid::bigint = %s"""


async def alive(house: House) -> None:
    """Waits until the worker that runs the operation has said again that it lives, and the target
    is held again."""
    target = lock_number("target:grandvps")
    async with asyncio.timeout(60):
        while not (
            await house.database.all(ITS_WORKER_LIVES)
            and await house.database.all(LOCKED, (target,))
        ):
            operation = await house.operations.get(1)
            assert operation.state is OperationState.RUNNING, operation.error
            await asyncio.sleep(0.1)


async def test_what_runs_goes_on_and_its_commits_wait(
    stopped: House, own_postgres: PostgresServer
) -> None:
    assert isinstance(stopped.recorder, Waits)
    began = asyncio.get_running_loop().time()
    # Longer than a silent worker is taken for alive, and as fast as without an outage: whoever
    # waits for the database at each line needs two minutes for so many.
    async with asyncio.timeout(30):
        await stopped.recorder.works_on(60)
        await asyncio.sleep(max(0, began + 4 - asyncio.get_running_loop().time()))
    await asyncio.to_thread(own_postgres.start)
    await alive(stopped)
    stopped.recorder.may_end.set()
    operation = await stopped.ended(1)
    assert operation.state is OperationState.DONE, operation.error
    assert stopped.recorder.log == ["run database", "run media"]
    assert (await stopped.events(1)).count("operation.step") == 2
    rows = await stopped.database.all("select lines from outputs order by id")
    lines = "\n".join(row["lines"] for row in rows).splitlines()
    assert len(lines) > 2
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]


async def test_a_step_that_ends_in_the_outage_is_committed_after_it(
    stopped: House, own_postgres: PostgresServer
) -> None:
    assert isinstance(stopped.recorder, Waits)
    stopped.recorder.may_end.set()
    await asyncio.wait_for(stopped.recorder.has_ended.wait(), 20)
    await asyncio.to_thread(own_postgres.start)
    operation = await stopped.ended(1)
    assert operation.state is OperationState.DONE, operation.error
    assert stopped.recorder.log == ["run database", "run media"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PATIENCE", timedelta(seconds=1))


@pytest.mark.parametrize(
    ("was_done", "state", "log"),
    [
        ((), OperationState.INTERRUPTED, ["run database", "undo database"]),
        (("database", "media"), OperationState.DONE, ["run database"]),
    ],
)
async def test_after_an_outage_that_lasts_too_long_the_step_is_asked_what_became_of_it(
    impatient: None,
    stopped: House,
    own_postgres: PostgresServer,
    was_done: tuple[str, ...],
    state: OperationState,
    log: list[str],
) -> None:
    assert isinstance(stopped.recorder, Waits)
    stopped.recorder.was_done = was_done
    stopped.recorder.may_end.set()
    async with asyncio.timeout(60):
        while not stopped.operations._engine._causes:
            await asyncio.sleep(0.1)
    await asyncio.to_thread(own_postgres.start)
    operation = await stopped.ended(1)
    assert operation.state is state, operation.error
    assert stopped.recorder.log == log
    told = "Opsbell's own database was away for too long" in operation.error
    assert told == (state is OperationState.INTERRUPTED)
