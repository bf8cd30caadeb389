"""Operations whose process ended in the middle: stopped, or killed."""

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from bot.core import running
from bot.operations.states import OperationState
from bot.store.locks import held_lock
from bot.store.queue import Lane, Queue
from tests.operations.house import ALICE, LIMIT, House, plan


async def test_a_stopped_process_says_interrupted_and_leaves_nothing(
    house: House, queue: Queue
) -> None:
    house.recorder.hangs = "database"
    workers = asyncio.create_task(queue.run())
    number = await house.request(plan("database"))
    await asyncio.wait_for(house.recorder.began.wait(), 20)
    workers.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await workers
    operation = await house.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert "during «Database»: Opsbell was stopped" in operation.error
    assert house.recorder.log == ["run database", "undo database"]


async def test_a_process_that_waited_for_its_turn_hands_it_over_when_stopped(
    house: House, queue: Queue
) -> None:
    """Stopped while another holds the target, the operation still runs later."""
    async with held_lock(house.database.url, "target:grandvps"):
        workers = asyncio.create_task(queue.run())
        number = await house.request(plan("database"))
        async with asyncio.timeout(LIMIT):
            while (await queue.backlog())[Lane.WORK].running == 0:
                await asyncio.sleep(0.02)
        workers.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await workers
    async with running(queue.run()):
        assert (await house.ended(number)).state is OperationState.DONE


CHILD = """
import asyncio, sys
from bot.slack.client import open_session, web_client
from bot.slack.posts import RECONCILE, SHARE_FILES
from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.queue import Lane, Queue
from tests.parts.operations import new_operations

class Hangs:
    async def run(self, context):
        print("began", flush=True)
        await asyncio.sleep(3600)
    async def done(self, context): ...
    async def undo(self, context): ...

async def nothing(**arguments): ...

async def main():
    async with Database(sys.argv[1], EventLog(b"a key for tests")) as database, open_session() as s:
        queue = Queue(database)
        await queue.open()
        queue.handle(RECONCILE, nothing, lane=Lane.POSTS)
        queue.handle(SHARE_FILES, nothing, lane=Lane.POSTS)
        client = web_client(s, "xoxb-unused")
        new_operations(database, queue, client).register("record", Hangs())
        await queue.run()

asyncio.run(main())
"""


@pytest.fixture
async def killed(house: House) -> int:
    """The number of an operation whose process was killed in its first step."""
    number = await house.request(plan("database", "media"))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, house.database.url, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    async with asyncio.timeout(LIMIT):
        assert await child.stdout.readline() == b"began\n"
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    return number


async def test_after_a_kill_another_process_tells_the_truth(
    house: House, killed: int, queue: Queue
) -> None:
    async with running(queue.run()):
        operation = await house.ended(killed)
    assert operation.state is OperationState.INTERRUPTED
    assert "during «Database»" in operation.error
    assert house.recorder.log == ["undo database"]
    assert "was interrupted" in await house.said(killed)


async def test_after_a_kill_a_cancel_is_carried_out_by_another_process(
    house: House, killed: int, queue: Queue
) -> None:
    """It reaches a job that nobody runs any more."""
    async with house.database.transaction() as tx:
        await house.operations.cancel(tx, killed, actor=ALICE)
    async with running(queue.run()):
        operation = await house.ended(killed)
    assert operation.state is OperationState.CANCELLED
    assert house.recorder.log == ["undo database"]


@pytest.mark.parametrize(
    ("was_done", "state"),
    [
        (("database", "media"), OperationState.DONE),
        (("database",), OperationState.INTERRUPTED),
    ],
)
async def test_after_a_kill_what_was_done_all_the_same_is_told_so(
    house: House, queue: Queue, was_done: tuple[str, ...], state: OperationState
) -> None:
    """The process died after the deed and before its commit."""
    house.recorder.was_done = was_done
    number = await house.request(plan("database", "media"))
    await house.database.execute(
        "update operations set state = 'running', started = now() where id = %s", (number,)
    )
    await house.database.execute(
        "update steps set state = 'running', started = now() where operation = %s and position = 0",
        (number,),
    )
    async with running(queue.run()):
        operation = await house.ended(number)
    assert operation.state is state
    assert operation.steps[0].note == "database was done"
