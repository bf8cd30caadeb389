"""The engine on the real PostgreSQL and queue: steps in order, undo, cancel."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from bot.errors import Failed, Refused
from bot.operations import service
from bot.operations.model import StepContext
from bot.operations.states import OperationState, StepState
from bot.store.database import OwnDatabaseAway
from bot.store.queue import Lane
from tests.operations.house import ALICE, House, Recorder, plan, plan_of, step


async def test_steps_run_in_order_and_each_is_told(running: House) -> None:
    number = await running.request(plan("database", "media"))
    operation = await running.ended(number)
    assert operation.state is OperationState.DONE
    assert running.recorder.log == ["run database", "run media"]
    assert [step.note for step in operation.steps] == ["database, 3 files", "media, 3 files"]
    assert operation.steps[0].result == {"files": 3}
    assert "✅ Backup grandvps · done" in await running.said(number)
    assert await running.events(number) == [
        "operation.requested",
        "operation.started",
        "operation.step",
        "operation.step",
        "operation.finished",
    ]


async def test_a_failure_names_step_and_cause_and_undoes_the_last_first(running: House) -> None:
    running.recorder.broken = "media"
    number = await running.request(plan("database", "media", "config"))
    operation = await running.ended(number)
    assert operation.state is OperationState.FAILED
    assert [step.state for step in operation.steps] == [
        StepState.DONE,
        StepState.FAILED,
        StepState.OPEN,
    ]
    assert operation.error == "pg_dump ended with status 1."
    assert operation.output == "connection lost"
    assert running.recorder.log[-2:] == ["undo media", "undo database"]
    alarm = await running.database.one(
        "select message->>'text' as text from posts where key like %s",
        (f"operation:{number}:alarm:%",),
    )
    assert alarm["text"] == "🔴 Backup grandvps failed: pg_dump ended with status 1."


async def test_what_could_not_be_undone_is_said(running: House) -> None:
    running.recorder.broken = "database"
    running.recorder.undo_fails = True
    operation = await running.ended(await running.request(plan("database")))
    assert operation.error == (
        "pg_dump ended with status 1. Database could not be undone: PermissionError."
    )


async def test_a_defect_in_a_step_is_named_by_a_reference_only(running: House) -> None:
    running.operations.register("record", BrokenByDefect())
    operation = await running.ended(await running.request(plan("database")))
    assert operation.state is OperationState.FAILED
    assert "s3cret" not in operation.error
    assert operation.error.startswith("Something went wrong inside Opsbell")


class BrokenByDefect:
    async def run(self, context: StepContext) -> Mapping[str, Any]:
        raise KeyError("s3cret")

    async def done(self, context: StepContext) -> Mapping[str, Any] | None: ...

    async def undo(self, context: StepContext) -> None: ...


async def test_one_at_a_time_per_target_and_who_waits_says_behind_what(running: House) -> None:
    running.recorder.hangs = "first"
    first = await running.request(plan("first"))
    await asyncio.wait_for(running.recorder.began.wait(), 20)
    second = await running.request(plan("second"))
    elsewhere = await running.request(plan("elsewhere", target="other"))
    await running.ended(elsewhere)
    assert f"Waits for Backup grandvps ({first})" in await running.said(second)
    assert (await running.operations.get(second)).state is OperationState.QUEUED
    async with running.database.transaction() as tx:
        await running.operations.cancel(tx, first, actor=ALICE)
    assert (await running.ended(first)).state is OperationState.CANCELLED
    assert (await running.ended(second)).state is OperationState.DONE


async def test_cancel_ends_a_running_step_and_undoes_it(running: House) -> None:
    running.recorder.hangs = "database"
    number = await running.request(plan("database", "media"))
    await asyncio.wait_for(running.recorder.began.wait(), 20)
    async with running.database.transaction() as tx:
        await running.operations.cancel(tx, number, actor=ALICE)
    operation = await running.ended(number)
    assert operation.state is OperationState.CANCELLED
    assert "cancelled by <@U0ALICE001>" in await running.said(number)
    assert running.recorder.log == ["run database", "undo database"]


async def test_a_second_cancel_says_that_it_is_under_way(running: House) -> None:
    running.recorder.hangs = "database"
    number = await running.request(plan("database"))
    await asyncio.wait_for(running.recorder.began.wait(), 20)
    async with running.database.transaction() as tx:
        await running.operations.cancel(tx, number, actor=ALICE)
        with pytest.raises(Refused, match="being cancelled already"):
            await running.operations.cancel(tx, number, actor=ALICE)
    assert (await running.ended(number)).state is OperationState.CANCELLED


async def test_an_error_with_nul_bytes_still_ends_the_operation(running: House) -> None:
    running.operations.register("record", NulBytes())
    operation = await running.ended(await running.request(plan("database")))
    assert operation.state is OperationState.FAILED
    assert "torn" in operation.output


class NulBytes(BrokenByDefect):
    async def run(self, context: StepContext) -> Mapping[str, Any]:
        raise Failed("tar ended with status 2.", output="torn\0log")


async def test_what_waits_is_cancelled_at_once_and_what_ended_is_refused(house: House) -> None:
    number = await house.request(plan("database"))
    async with house.database.transaction() as tx:
        await house.operations.cancel(tx, number, actor=ALICE)
    assert (await house.operations.get(number)).state is OperationState.CANCELLED
    with pytest.raises(Refused, match="is cancelled"):
        async with house.database.transaction() as tx:
            await house.operations.cancel(tx, number, actor=ALICE)


async def test_an_operation_whose_job_was_lost_is_found(
    running: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job failed before the end could be committed."""
    monkeypatch.setattr(service, "RECOVERS_EVERY", timedelta(seconds=0.1))
    number = await running.request(plan("database"))
    await running.ended(number)
    await running.database.execute("update operations set state = 'running'")
    await running.database.execute("update steps set state = 'running'")
    async with asyncio.timeout(20):
        while (await running.queue.backlog())[Lane.WORK].running:
            await asyncio.sleep(0.02)
    recovering = asyncio.create_task(running.operations.keep_recovering())
    assert (await running.ended(number)).state is OperationState.INTERRUPTED
    recovering.cancel()


async def test_one_request_makes_one_operation(house: House) -> None:
    await house.request(plan("database"), key="command:1")
    with pytest.raises(Refused, match="taken already"):
        await house.request(plan("database"), key="command:1")
    rows = await house.database.all("select id from operations")
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OwnDatabaseAway(), "Opsbell's own database was away for too long."),
        (
            psycopg.OperationalError("the connection is lost"),
            "the connection to Opsbell's own database broke.",
        ),
    ],
)
@pytest.mark.parametrize("was_done", [True, False])
async def test_a_step_that_loses_opsbells_own_database_has_not_failed(
    house: House, error: Exception, cause: str, was_done: bool
) -> None:
    """Also where the database is back at once: it is not tried again, and nothing is undone
    before it was asked what became of it."""

    class Loses(Recorder):
        async def run(self, context: StepContext) -> Mapping[str, Any]:
            await super().run(context)
            raise error

    recorder = Loses(was_done=("database",) if was_done else ())
    house.operations.register("record", recorder)
    number = await house.request(plan_of(step("database", retries=2)))
    with pytest.raises(type(error)):
        await house.operations._engine.run(number)
    assert (await house.operations.get(number)).state is OperationState.RUNNING
    assert recorder.log == ["run database"]
    await house.operations._engine.run(number)
    operation = await house.operations.get(number)
    if was_done:
        assert (operation.state, recorder.log) == (OperationState.DONE, ["run database"])
    else:
        assert operation.state is OperationState.INTERRUPTED
        assert operation.error.startswith(f"Interrupted during «Database»: {cause}")
        assert recorder.log == ["run database", "undo database"]
