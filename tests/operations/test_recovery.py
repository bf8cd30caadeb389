"""After a crash: what was cut off is named, what can be is undone, and people choose the rest."""

import asyncio
import contextlib

import pytest

from bot.errors import Refused
from bot.operations.model import Operation
from bot.operations.plan import Plan, Recovery
from bot.operations.scheduling import RUN_JOB
from bot.operations.states import Course, OperationState
from bot.store.queue import Backlog, Lane, Queue
from tests.operations.house import ALICE, BOB, LIMIT, House, plan, plan_of, step


def deploy() -> Plan:
    return plan_of(
        step("backup", stands=True, undo="removes it"),
        step("checkout", undo="checks out the old"),
        step("up"),
        step("note", always=True, repeatable=True),
        step("unsafe", always=True),
        recovery=Recovery.ASK,
    )


async def cut_off(house: House, wanted: Plan, hangs: str) -> Operation:
    """An operation whose process ends in the middle of a step."""
    house.recorder.hangs = hangs
    house.recorder.began.clear()
    number = await house.request(wanted)
    # As a worker would that is stopped, which it is after some seconds of grace.
    work = asyncio.create_task(house.operations._engine.run(number))
    await asyncio.wait_for(house.recorder.began.wait(), 20)
    house.recorder.hangs = ""
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    await house.database.execute("delete from procrastinate_jobs")
    return await house.operations.get(number)


@pytest.fixture
async def interrupted(house: House) -> Operation:
    return await cut_off(house, deploy(), "up")


async def choose(house: House, number: int, course: Course) -> None:
    async with house.database.transaction() as tx:
        await house.operations.choose(tx, number, course, actor=BOB)


async def test_only_what_was_cut_off_is_undone_and_people_are_asked(
    house: House, interrupted: Operation
) -> None:
    assert interrupted.state is OperationState.INTERRUPTED
    assert interrupted.course is Course.CHOOSE
    assert [s.state.value for s in interrupted.steps] == [
        "done",
        "done",
        "interrupted",
        "done",
        "open",
    ]
    assert house.recorder.log == ["run backup", "run checkout", "run up", "undo up", "run note"]
    assert "during «Up»" in interrupted.error
    assert "«Unsafe» was not run: it is not known to be safe after a crash." in interrupted.error
    said = await house.said(interrupted.id)
    assert all(f'"operation.{deed}"' in said for deed in ("resume", "undo", "leave"))


async def test_what_always_runs_and_was_cut_off_is_done_once_it_has_run_again(
    house: House,
) -> None:
    operation = await cut_off(house, deploy(), "note")
    assert house.recorder.log[-2:] == ["run note", "run note"]
    assert operation.state is OperationState.INTERRUPTED
    assert [s.state.value for s in operation.steps] == ["done", "done", "done", "done", "open"]


async def test_resume_goes_on_from_the_step_that_was_cut_off(
    house: House, interrupted: Operation, working: Queue
) -> None:
    house.recorder.log.clear()
    await choose(house, interrupted.id, Course.RESUME)
    operation = await house.ended(interrupted.id)
    assert operation.state is OperationState.DONE
    assert operation.error == ""
    assert house.recorder.log == ["run up", "run note", "run unsafe"]


async def test_undo_takes_back_all_that_was_done(
    house: House, interrupted: Operation, working: Queue
) -> None:
    house.recorder.log.clear()
    await choose(house, interrupted.id, Course.UNDO)
    operation = await house.ended(interrupted.id)
    assert operation.state is OperationState.UNDONE
    assert house.recorder.log == ["undo note", "undo up", "undo checkout", "undo backup"]


async def test_a_group_that_was_cut_off_begins_anew(house: House) -> None:
    """The parts of a set are of use together or not at all."""
    wanted = plan_of(
        step("dump", group="Safety backup", stands=True),
        step("publish", group="Safety backup", stands=True),
        step("swap"),
        recovery=Recovery.ASK,
    )
    operation = await cut_off(house, wanted, "publish")
    assert [s.state.value for s in operation.steps] == ["undone", "interrupted", "open"]
    house.recorder.log.clear()
    await choose(house, operation.id, Course.RESUME)
    await house.operations._engine.run(operation.id)
    assert (await house.operations.get(operation.id)).state is OperationState.DONE
    assert house.recorder.log == ["run dump", "run publish", "run swap"]


async def test_leave_is_the_end_of_it(house: House, interrupted: Operation) -> None:
    await choose(house, interrupted.id, Course.LEAVE)
    with pytest.raises(Refused, match="is interrupted"):
        await choose(house, interrupted.id, Course.RESUME)
    said = await house.said(interrupted.id)
    assert "interrupted, left as it is" in said
    assert "operation.resume" not in said


async def test_what_others_changed_since_is_not_resumed(
    house: House, interrupted: Operation, working: Queue
) -> None:
    later = await house.request(plan("database"))
    await house.ended(later)
    with pytest.raises(Refused, match=rf"\({later}\) has run on grandvps since"):
        await choose(house, interrupted.id, Course.UNDO)
    await choose(house, interrupted.id, Course.LEAVE)


async def test_a_crash_while_a_failure_is_taken_back_goes_on_taking_back(
    house: House,
) -> None:
    """The failure was committed before its undo began."""
    operation = await cut_off(house, deploy(), "up")
    await house.database.execute(
        "update operations set state = 'running', course = 'run', finished = null,"
        " error = 'It never got healthy.'"
    )
    await house.database.execute("update steps set state = 'running' where state = 'interrupted'")
    house.recorder.log.clear()
    await house.operations._engine.run(operation.id)
    found = await house.operations.get(operation.id)
    assert found.state is OperationState.FAILED
    assert "It never got healthy." in found.error
    assert house.recorder.log[:2] == ["undo up", "undo checkout"]


async def test_a_crash_in_an_undo_goes_on_undoing(house: House, interrupted: Operation) -> None:
    await choose(house, interrupted.id, Course.UNDO)
    await house.database.execute("update operations set state = 'running'")
    await house.operations._engine.run(interrupted.id)
    assert (await house.operations.get(interrupted.id)).state is OperationState.UNDONE


async def test_a_choice_that_is_cancelled_before_it_began_is_open_again(
    house: House, interrupted: Operation
) -> None:
    await choose(house, interrupted.id, Course.RESUME)
    async with house.database.transaction() as tx:
        await house.operations.cancel(tx, interrupted.id, actor=ALICE)
    operation = await house.operations.get(interrupted.id)
    assert (operation.state, operation.course) == (OperationState.INTERRUPTED, Course.CHOOSE)
    assert operation.error == interrupted.error
    await choose(house, interrupted.id, Course.UNDO)


async def test_what_others_change_while_a_resume_waits_is_seen_when_it_begins(
    house: House, interrupted: Operation
) -> None:
    await choose(house, interrupted.id, Course.RESUME)
    later = await house.request(plan("database"))
    await house.operations._engine.run(later)
    house.recorder.log.clear()
    await house.operations._engine.run(interrupted.id)
    operation = await house.operations.get(interrupted.id)
    assert (operation.state, operation.course) == (OperationState.INTERRUPTED, Course.CHOOSE)
    assert f"({later}) has run on grandvps since" in operation.error
    assert house.recorder.log == []


async def test_a_backup_since_takes_no_choice_away(house: House, interrupted: Operation) -> None:
    nightly = await house.request(plan_of(step("dump"), disturbs=False))
    await house.operations._engine.run(nightly)
    await choose(house, interrupted.id, Course.RESUME)
    await house.operations._engine.run(interrupted.id)
    assert (await house.operations.get(interrupted.id)).state is OperationState.DONE


async def test_what_the_clean_up_has_ended_is_begun_again_by_a_resume(house: House) -> None:
    wanted = plan_of(
        step("closed", repeatable=True),
        step("migrate"),
        step("open", always=True, repeatable=True),
        recovery=Recovery.ASK,
    )
    operation = await cut_off(house, wanted, "migrate")
    assert [s.state.value for s in operation.steps] == ["done", "interrupted", "done"]
    house.recorder.log.clear()
    await choose(house, operation.id, Course.RESUME)
    await house.operations._engine.run(operation.id)
    assert house.recorder.log == ["run closed", "run migrate", "run open"]


async def test_an_undo_says_what_nothing_takes_back(house: House) -> None:
    wanted = plan_of(
        step("checkout", undo="the old"), step("sql"), step("up"), recovery=Recovery.ASK
    )
    operation = await cut_off(house, wanted, "up")
    await choose(house, operation.id, Course.UNDO)
    await house.operations._engine.run(operation.id)
    undone = await house.operations.get(operation.id)
    assert (undone.state, undone.error) == (OperationState.UNDONE, "Nothing takes back: Sql.")


async def test_an_undo_that_fails_can_be_chosen_again(house: House, interrupted: Operation) -> None:
    house.recorder.undo_fails = True
    await choose(house, interrupted.id, Course.UNDO)
    await house.operations._engine.run(interrupted.id)
    operation = await house.operations.get(interrupted.id)
    assert (operation.state, operation.course) == (OperationState.INTERRUPTED, Course.CHOOSE)
    assert "could not be undone" in operation.error
    house.recorder.undo_fails = False
    await choose(house, interrupted.id, Course.UNDO)
    await house.operations._engine.run(interrupted.id)
    assert (await house.operations.get(interrupted.id)).state is OperationState.UNDONE


async def test_a_cancel_finds_the_run_also_where_a_second_job_was_queued(
    house: House, queue: Queue
) -> None:
    """As unlocking does, since it cannot know whether the first has seen the lock."""
    house.recorder.hangs = "database"
    number = await house.request(plan("database"))
    workers = asyncio.create_task(queue.run())
    await asyncio.wait_for(house.recorder.began.wait(), 20)
    async with house.database.transaction() as tx:
        await house.operations._scheduling.run(tx, number, "grandvps")
    async with house.database.transaction() as tx:
        await house.operations.cancel(tx, number, actor=ALICE)
    assert (await house.ended(number)).state is OperationState.CANCELLED
    workers.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await workers


async def test_a_locked_target_keeps_others_waiting_and_lets_them_go(
    house: House, working: Queue
) -> None:
    async with house.database.transaction() as tx:
        held = await house.operations.locks.take(
            tx, "grandvps", actor=BOB, reason="migration by hand"
        )
    own = plan("own")
    async with house.database.transaction() as tx:
        mine = await house.operations.request(tx, own, actor=BOB, reason="manual")
    other = await house.request(plan("other"))
    assert (await house.ended(mine)).state is OperationState.DONE
    async with asyncio.timeout(LIMIT):
        while "Locked by <@U0BOB00001>" not in await house.said(other):
            await asyncio.sleep(0.02)
    assert "migration by hand" in await house.said(other)
    async with asyncio.timeout(LIMIT):
        while (await house.queue.backlog())[Lane.WORK] != Backlog(0, 0, 0):
            await asyncio.sleep(0.02)
    await house.operations.recover()
    jobs = await house.database.all(
        "select from procrastinate_jobs where task_name = %s", (RUN_JOB,)
    )
    assert jobs == []  # whoever frees the target queues it
    async with house.database.transaction() as tx:
        with pytest.raises(Refused, match="locked by <@U0BOB00001>"):
            await house.operations.locks.free(tx, held, actor=ALICE, steal=False)
        with pytest.raises(Refused, match="locked by <@U0BOB00001>"):
            await house.operations.locks.take(tx, "grandvps", actor=ALICE, reason="mine")
    assert house.recorder.log == ["run own"]
    async with house.database.transaction() as tx:
        await house.operations.locks.free(tx, held, actor=ALICE, steal=True)
    assert (await house.ended(other)).state is OperationState.DONE
    rows = await house.database.all("select action from events where subject = 'lock:grandvps'")
    assert [row["action"] for row in rows] == ["target.locked", "target.lock_stolen"]
