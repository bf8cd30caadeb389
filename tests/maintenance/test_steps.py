"""The steps inside longer operations, cancelled, undone and cut off by a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.errors import Failed
from bot.maintenance.model import State
from bot.maintenance.notice import Notice
from bot.operations.model import Operation, StepContext
from bot.operations.plan import Plan, PlannedStep
from bot.operations.states import OperationState, StepState
from tests.maintenance.conftest import ALICE, Bench
from tests.maintenance.page import Page


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs in this process."""


class Work:
    """A step between on and off."""

    def __init__(self) -> None:
        self.seen_on: bool | None = None
        self.fails = False
        self.kills = False
        self.bench: Bench | None = None

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        assert self.bench
        self.seen_on = self.bench.file.exists()
        if self.kills:
            raise Killed
        if self.fails:
            raise Failed("The migration failed.")
        return {}

    async def undo(self, context: StepContext) -> None:
        """Nothing to take back."""

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        return None


@pytest.fixture
def work(bench: Bench) -> Work:
    work = Work()
    work.bench = bench
    bench.operations.register("work", work)
    return work


def deploy(bench: Bench) -> Plan:
    """A longer plan that holds maintenance, as a deploy does."""
    return Plan(
        runbook="deploy",
        title="Deploy grandvps",
        target="grandvps",
        steps=(
            bench.maintenance.on_step("grandvps", "deploy of 1.5"),
            PlannedStep("work", "Migrate"),
            bench.maintenance.off_step("grandvps"),
        ),
    )


async def queued(bench: Bench, plan: Plan) -> int:
    async with bench.database.transaction() as tx:
        return await bench.operations.request(tx, plan, actor=ALICE, reason="manual")


async def killed(bench: Bench, plan: Plan) -> int:
    """Runs an operation in a process that dies in the middle; its number."""
    number = await queued(bench, plan)
    with pytest.raises(Killed):
        await bench.engine.run(number)
    assert (await bench.operations.get(number)).state is OperationState.RUNNING
    return number


async def test_an_operation_closes_and_opens(bench: Bench, work: Work) -> None:
    done = await bench.run_plan(deploy(bench))
    assert done.state is OperationState.DONE
    assert work.seen_on
    assert [step.note for step in done.steps] == ["503 proven", "", "200 proven"]
    assert done.results()["maintenance.on"]["proven"] is True
    assert not bench.file.exists()
    assert not await bench.is_on()
    # Its own message tells of it; the maintenance has none, and the topic is left alone.
    assert await bench.said("maintenance:1") is None
    assert await bench.jobs("maintenance.topic") == []


async def test_a_failure_opens_again(bench: Bench, work: Work) -> None:
    work.fails = True
    failed = await bench.run_plan(deploy(bench))
    assert failed.state is OperationState.FAILED
    assert failed.steps[0].state is StepState.UNDONE
    assert not bench.file.exists()
    assert not await bench.is_on()
    assert (await bench.recorded(1)).state is State.UNDONE


@pytest.mark.parametrize("fails", [False, True])
async def test_what_was_on_before_stays_on(bench: Bench, work: Work, fails: bool) -> None:
    await bench.on("Repair")
    work.fails = fails
    ended = await bench.run_plan(deploy(bench))
    assert ended.state is (OperationState.FAILED if fails else OperationState.DONE)
    assert work.seen_on
    assert bench.notice().reason == "Repair"
    window = await bench.window()
    assert window
    assert window.state is State.ON
    if not fails:
        assert [s.note for s in ended.steps] == [
            "was on before, 503 proven",
            "",
            "stays on: it was on before",
        ]


async def test_a_file_made_by_hand_stays_too(bench: Bench, work: Work) -> None:
    bench.file.write_text("")
    await bench.run_plan(deploy(bench))
    assert bench.file.read_text() == ""


async def test_a_target_without_a_file_leaves_the_steps_out(bench: Bench) -> None:
    bare = bench.settings.targets["grandvps"].model_copy(update={"maintenance": None})
    settings = bench.settings.model_copy(update={"targets": {"grandvps": bare}})
    object.__setattr__(bench.maintenance, "settings", settings)
    step = bench.maintenance.on_step("grandvps", "")
    assert step.left_out == "grandvps has no maintenance file configured"
    assert await bench.maintenance.hold("grandvps", 1) == "no maintenance file is configured"


async def test_a_kill_between_the_steps_opens_again_at_the_next_start(
    bench: Bench, work: Work
) -> None:
    work.kills = True
    number = await killed(bench, deploy(bench))
    assert bench.file.exists()
    ended = await bench.run(number)
    assert ended.state is OperationState.INTERRUPTED
    assert not bench.file.exists()
    assert not await bench.is_on()


class Cut:
    """Kills the process at one place inside a step: after so many calls of a method."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        real = getattr(owner, name)

        async def cut(*arguments: Any, **named: Any) -> Any:
            await real(*arguments, **named)
            raise Killed

        self._undo = monkeypatch.undo
        monkeypatch.setattr(owner, name, cut)

    def mend(self) -> None:
        self._undo()


async def on_killed_after(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> Operation:
    """What became of turning it on in a process that died there."""
    cut = Cut(monkeypatch, owner, name)
    plan = await bench.operations.plan("maintenance.on", "grandvps", {"seconds": 600})
    number = await killed(bench, plan)
    cut.mend()
    return await bench.run(number)


async def test_killed_before_the_file_is_there_nothing_is_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = bench.maintenance._switch.windows
    ended = await on_killed_after(bench, monkeypatch, windows, "begin")
    assert ended.state is OperationState.INTERRUPTED
    assert not bench.file.exists()
    assert not await bench.is_on()


@pytest.mark.parametrize("name", ["began", "proved"])
async def test_killed_once_the_file_is_there_it_is_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    windows = bench.maintenance._switch.windows
    ended = await on_killed_after(bench, monkeypatch, windows, name)
    assert ended.state is OperationState.DONE
    assert bench.file.exists()
    window = await bench.window()
    assert window
    assert (window.state, window.on_operation) == (State.ON, ended.id)
    # It ends by itself all the same.
    assert await bench.jobs("maintenance.end")


async def test_killed_right_after_the_file_was_made_it_is_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.maintenance.file import FileHere

    ended = await on_killed_after(bench, monkeypatch, FileHere, "put")
    assert ended.state is OperationState.DONE
    assert (await bench.window()) is not None
    assert bench.notice().operation == ended.id


@pytest.mark.parametrize("place", ["ending", "remove", "ended", "proved"])
async def test_an_end_that_was_cut_off_is_finished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    from bot.maintenance.file import FileHere

    await bench.on()
    owner = FileHere if place == "remove" else bench.maintenance._switch.windows
    cut = Cut(monkeypatch, owner, place)
    number = await killed(bench, await bench.operations.plan("maintenance.off", "grandvps", {}))
    cut.mend()
    ended = await bench.run(number)
    assert ended.state is OperationState.DONE
    assert not bench.file.exists()
    assert not await bench.is_on()
    assert (await bench.recorded(1)).state is State.OVER


async def test_cancelled_while_the_page_is_looked_at_it_is_as_before(
    bench: Bench, page: Page
) -> None:
    page.blind = True
    bench.maintenance._switch._patience *= 100
    number = await queued(
        bench, await bench.operations.plan("maintenance.on", "grandvps", {"seconds": 600})
    )
    running = asyncio.create_task(bench.engine.run(number))
    async with asyncio.timeout(10):
        while not bench.file.exists():
            await asyncio.sleep(0.02)
    async with bench.database.transaction() as tx:
        await bench.operations.cancel(tx, number, actor=ALICE)
    bench.maintenance._switch._patience /= 100
    running.cancel()
    await asyncio.wait({running})
    assert (await bench.operations.get(number)).state is OperationState.CANCELLED
    assert not bench.file.exists()
    assert not await bench.is_on()


async def test_the_undo_of_off_is_on_again_with_its_end(bench: Bench) -> None:
    await bench.on("Upgrade")
    before = bench.file.read_text()
    plan = Plan(
        runbook="clear",
        title="All clear",
        target="grandvps",
        steps=(bench.maintenance.off_step("grandvps"), PlannedStep("work", "Fails")),
    )
    work = Work()
    work.bench, work.fails = bench, True
    bench.operations.register("work", work)
    ended = await bench.run_plan(plan)
    assert ended.state is OperationState.FAILED
    assert work.seen_on is False
    assert bench.file.read_text() == before
    window = await bench.window()
    assert window
    assert window.state is State.ON


async def test_hold_and_release_touch_their_own_file_alone(bench: Bench) -> None:
    maintenance = bench.maintenance
    assert await maintenance.release("grandvps", 7) == ""
    assert await maintenance.hold("grandvps", 7, "swap") == "in maintenance"
    assert await maintenance.hold("grandvps", 7, "swap") == "in maintenance"
    assert (bench.notice().operation, bench.notice().reason) == (7, "swap")
    assert await maintenance.release("grandvps", 8) == "it stayed in maintenance, as before"
    assert bench.file.exists()
    assert await maintenance.release("grandvps", 7) == "maintenance ended"
    assert not bench.file.exists()

    bench.file.write_text(Notice(target="grandvps", operation=3).text())
    assert await maintenance.hold("grandvps", 7) == "it was in maintenance before"
    assert await maintenance.release("grandvps", 7) == "it stayed in maintenance, as before"
    assert bench.file.exists()


async def test_hold_and_release_leave_what_a_step_of_the_operation_turned_on(
    bench: Bench,
) -> None:
    """As in a rollback with the database of before, whose swap lies between on and off."""

    class Swap(Work):
        said: tuple[str, ...] = ()

        async def run(self, context: StepContext) -> Mapping[str, Any]:
            before, number = bench.file.read_text(), context.operation.id
            held = await bench.maintenance.hold("grandvps", number, "swap")
            self.said = (held, await bench.maintenance.release("grandvps", number))
            assert bench.file.read_text() == before
            return {}

    swap = Swap()
    bench.operations.register("work", swap)
    done = await bench.run_plan(deploy(bench))
    assert done.state is OperationState.DONE, done.error
    assert swap.said == ("in maintenance with the whole operation",) * 2
    assert not bench.file.exists()
