"""Plans: compared when planned again, steps left out, limited, repeated, standing, always run."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import Failed, NotFound
from bot.operations import context, plan_view, runner
from bot.operations.model import Operation, StepContext
from bot.operations.plan import Plan
from bot.operations.states import OperationState, StepState
from bot.slack.limits import fit_view
from tests.operations.house import ALICE, House, Recorder, plan, plan_of, step


def states(operation: Operation) -> list[str]:
    return [each.state.value for each in operation.steps]


@pytest.mark.parametrize(
    ("again", "told"),
    [
        (replace(plan("a", "b"), facts={"id": "another"}), "id: 20261122T020000Z became another"),
        (plan("a", "c"), "step: B"),
        (plan("a"), "the number of steps"),
        (plan_of(step("a"), step("b", command="rm -r")), "step: B"),
        (plan_of(step("a"), step("b", left_out="no need")), "step: B"),
        (replace(plan("a", "b"), target="other"), "the runbook or its target"),
        (replace(plan("a", "b"), notes=("1.2 GB",)), ""),
        (plan_of(step("a"), step("b", risk="some", undo="somehow", limit=3.0)), ""),
    ],
)
def test_a_plan_differs_by_steps_commands_and_identities_alone(again: Plan, told: str) -> None:
    assert "; ".join(plan("a", "b").differences(again)) == told


def test_a_plan_is_the_same_after_its_way_through_the_database() -> None:
    made = plan_of(step("a", command="ls", retries=2), notes=("one",), parameters={"x": [1]})
    assert Plan.from_json(made.as_json()) == made


async def test_a_plan_that_comes_out_different_at_the_start_does_not_run(running: House) -> None:
    async def planner(target: str, parameters: Mapping[str, Any]) -> Plan:
        return replace(plan("database", target=target), facts={"id": "20261123T020000Z"})

    running.operations.add_runbook("backup", planner)
    operation = await running.ended(await running.request(plan("database")))
    assert operation.state is OperationState.FAILED
    assert "planned again, it came out different" in operation.error
    assert "id: 20261122T020000Z became 20261123T020000Z" in operation.error
    assert running.recorder.log == []


async def test_it_is_planned_again_from_its_parameters(running: House) -> None:
    seen: list[Any] = []

    async def planner(target: str, parameters: Mapping[str, Any]) -> Plan:
        seen.append((target, dict(parameters)))
        return plan_of(step("database"), target=target, parameters=parameters)

    running.operations.add_runbook("backup", planner)
    operation = await running.operations.preview("backup", "grandvps", {"x": 1}, actor=ALICE)
    async with running.database.transaction() as tx:
        await running.operations.confirm(tx, operation.id, actor=ALICE)
    assert (await running.ended(operation.id)).state is OperationState.DONE
    assert seen == [("grandvps", {"x": 1})] * 2


async def test_a_step_that_was_left_out_is_shown_and_not_run(running: House) -> None:
    wanted = plan_of(step("build", left_out="nothing to build"), step("up"))
    number = await running.request(wanted)
    operation = await running.ended(number)
    assert states(operation) == ["left out", "done"]
    assert running.recorder.log == ["run up"]
    assert "Left out: Build (nothing to build)" in await running.said(number)


async def test_a_group_that_is_done_is_one_line(running: House) -> None:
    wanted = plan_of(
        step("dump", group="Safety backup"), step("publish", group="Safety backup"), step("up")
    )
    number = await running.request(wanted)
    await running.ended(number)
    said = await running.said(number)
    assert "✅ Safety backup\u2003publish, 3 files" in said
    assert "Dump" not in said


async def test_a_step_that_takes_too_long_is_ended(running: House) -> None:
    running.recorder.hangs = "up"
    operation = await running.ended(await running.request(plan_of(step("up", limit=0.3))))
    assert operation.state is OperationState.FAILED
    assert operation.error == "«Up» did not end within 0.3 s and was ended."
    assert running.recorder.log == ["run up", "undo up"]


async def test_a_step_is_tried_again_as_often_as_it_may(
    running: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY_PAUSE", 0.01)
    running.recorder.broken, running.recorder.fails = "pull", 2
    operation = await running.ended(await running.request(plan_of(step("pull", retries=2))))
    assert operation.state is OperationState.DONE
    assert running.recorder.log == ["run pull"] * 3
    running.recorder.fails = 2
    operation = await running.ended(await running.request(plan_of(step("pull", retries=1))))
    assert operation.state is OperationState.FAILED


async def test_a_later_failure_leaves_what_stands_and_runs_what_always_runs(
    running: House,
) -> None:
    running.recorder.broken = "up"
    number = await running.request(
        plan_of(
            step("backup", stands=True),
            step("checkout", undo="checks out the old"),
            step("up"),
            step("watch"),
            step("unlock", always=True),
        )
    )
    operation = await running.ended(number)
    assert operation.state is OperationState.FAILED
    assert states(operation) == ["done", "undone", "failed", "open", "done"]
    assert operation.error.endswith("Taken back: Checkout. Still there: Backup.")
    assert running.recorder.log[-3:] == ["undo up", "undo checkout", "run unlock"]
    assert "operation.undone" in await running.events(number)


async def test_what_always_runs_and_fails_is_said_beside_the_cause(running: House) -> None:
    class Fails(Recorder):
        async def run(self, context: StepContext) -> Mapping[str, Any]:
            name = context.step.planned.arguments["name"]
            raise Failed(f"{name} broke.")

    running.operations.register("record", Fails())
    wanted = plan_of(step("up"), step("unlock", always=True))
    operation = await running.ended(await running.request(wanted))
    assert operation.error == "up broke. «Unlock» failed: unlock broke."
    assert [s.state for s in operation.steps] == [StepState.FAILED, StepState.FAILED]


async def test_what_people_read_of_a_plan_holds_no_secret_and_what_runs_does(
    running: House,
) -> None:
    running.operations._engine._redact = lambda target, text: text.replace("s3cret", "•••")
    wanted = plan_of(
        step("s3cret", command="git fetch https://u:s3cret@git", risk="s3cret", undo="s3cret"),
        notes=("s3cret",),
    )

    async def planner(target: str, parameters: Mapping[str, Any]) -> Plan:
        return wanted

    running.operations.add_runbook("backup", planner)
    operation = await running.ended(await running.request(wanted))
    assert operation.state is OperationState.DONE
    assert running.recorder.log == ["run s3cret"]
    assert operation.steps[0].planned.command == "git fetch https://u:•••@git"
    shown = plan_view.message(operation.plan)
    assert "s3cret" not in str(shown.as_json())
    preview = await running.operations.preview("backup", "grandvps", {}, actor=ALICE)
    assert "s3cret" not in str(plan_view.message(preview.plan).as_json())


async def test_output_is_kept_redacted_and_shared_as_a_file(running: House) -> None:
    running.operations._engine._runner._redact = lambda target, text: text.replace("s3cret", "•••")
    number = await running.request(
        plan_of(step("build", writes="Step 1\npassword s3cret"), step("up", writes="started"))
    )
    await running.ended(number)
    rows = await running.database.all("select name, content from post_files")
    log = bytes(rows[0]["content"]).decode()
    assert rows[0]["name"] == f"operation-{number}.log"
    assert "== Build (" in log
    assert "password •••" in log
    assert "s3cret" not in log
    assert log.rstrip().endswith("started")


async def test_who_named_what_is_not_there_hears_that_nothing_was_changed(house: House) -> None:
    async def planner(target: str, parameters: Mapping[str, Any]) -> Plan:
        raise NotFound("There is no commit v9.", hint="Did you mean v8?")

    house.operations.add_runbook("deploy", planner)
    with pytest.raises(NotFound) as raised:
        await house.operations.preview("deploy", "grandvps", {}, actor=ALICE)
    assert str(raised.value) == "There is no commit v9. Did you mean v8? Nothing was changed."


async def test_a_planner_with_a_defect_ends_what_it_planned(running: House) -> None:
    async def planner(target: str, parameters: Mapping[str, Any]) -> Plan:
        raise KeyError("s3cret")

    running.operations.add_runbook("backup", planner)
    operation = await running.ended(await running.request(plan("database")))
    assert operation.state is OperationState.FAILED
    assert operation.error.startswith("Nothing was run. Something went wrong inside Opsbell")


async def test_of_many_steps_what_failed_is_still_to_be_seen(running: House) -> None:
    running.recorder.broken = "step40"
    number = await running.request(plan(*(f"step{n}" for n in range(60))))
    await running.ended(number)
    said = await running.said(number)
    assert "✅ 26 steps done" in said
    assert "🔴 Step40" in said
    assert "pg_dump ended with status 1." in said


async def test_the_plan_of_a_hundred_steps_fits_into_a_modal(running: House) -> None:
    shown = plan_view.seen(plan(*(f"step{n}" for n in range(200))))
    assert len(fit_view(shown)["blocks"]) <= 100
    assert "Step199" in str(shown)


async def test_a_quiet_step_is_shown_as_time_goes_on(
    running: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "QUIET_INTERVAL", 0.05)
    monkeypatch.setattr(context, "PROGRESS_INTERVAL", 0.05)
    running.recorder.hangs = "vacuum"
    number = await running.request(plan_of(step("vacuum")))
    shown: list[float] = []
    async with asyncio.timeout(60):
        while len(shown) < 3:
            row = re.search(r"🔵 Vacuum\N{EM SPACE}.*, (\d+\.\d) s", await running.said(number))
            if row and float(row[1]) not in shown:
                shown.append(float(row[1]))
            await asyncio.sleep(0.05)
    assert shown == sorted(shown)
    assert running.recorder.log == ["run vacuum"]
    async with running.database.transaction() as tx:
        await running.operations.cancel(tx, number, actor=ALICE)
    await running.ended(number)
