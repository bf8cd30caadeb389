"""A deploy that was cut off after its end of maintenance, undone by a person later."""

from __future__ import annotations

import pytest

from bot.maintenance.model import State
from bot.operations import runner
from bot.operations.model import Operation
from bot.operations.plan import Plan, PlannedStep, Recovery
from bot.operations.states import Course, OperationState, StepState
from tests.maintenance.conftest import ALICE, Bench
from tests.maintenance.test_steps import Work, killed


@pytest.fixture
async def deploy(bench: Bench) -> Operation:
    """One whose process died while it watched, after its end of maintenance."""
    watch = Work()
    watch.bench, watch.kills = bench, True
    bench.operations.register("watch", watch)
    plan = Plan(
        runbook="deploy",
        title="Deploy grandvps",
        target="grandvps",
        steps=(
            bench.maintenance.on_step("grandvps", "deploy of 1.5"),
            bench.maintenance.off_step("grandvps"),
            PlannedStep("watch", "Watch"),
        ),
        recovery=Recovery.ASK,
    )
    interrupted = await bench.run(await killed(bench, plan))
    assert interrupted.state is OperationState.INTERRUPTED
    assert (await bench.recorded(1)).state is State.OVER
    return interrupted


async def undone(bench: Bench, operation: Operation) -> Operation:
    """What became of it once somebody chose to undo it."""
    async with bench.database.transaction() as tx:
        await bench.operations.choose(tx, operation.id, Course.UNDO, actor=ALICE)
    return await bench.run(operation.id)


async def test_undone_it_is_open(bench: Bench, deploy: Operation) -> None:
    assert (await undone(bench, deploy)).state is OperationState.UNDONE
    assert not bench.file.exists()
    assert not await bench.is_on()


async def test_what_was_turned_on_since_stays_on(bench: Bench, deploy: Operation) -> None:
    await bench.on("Repair")
    before = bench.file.read_text()
    ended = await undone(bench, deploy)
    assert ended.state is OperationState.UNDONE, ended.error
    assert bench.file.read_text() == before
    window = await bench.window()
    assert window
    assert (window.reason, window.state) == ("Repair", State.ON)
    await bench.off()
    assert not bench.file.exists()


async def test_undone_at_the_second_try_it_is_open(
    bench: Bench, deploy: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "UNDO_PAUSES", ())
    # The file is written beside its name, where it cannot be now.
    beside = bench.file.with_name(f".{bench.file.name}.opsbell")
    beside.mkdir()
    tried = await undone(bench, deploy)
    assert tried.state is OperationState.INTERRUPTED
    assert "Maintenance off could not be undone" in tried.error
    assert tried.steps[0].state is StepState.UNDONE
    beside.rmdir()
    ended = await undone(bench, tried)
    assert ended.state is OperationState.UNDONE, ended.error
    assert not bench.file.exists()
    assert not await bench.is_on()
