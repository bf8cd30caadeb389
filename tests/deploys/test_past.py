"""What earlier deploys tell of a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.deploys.counting import Migrated
from bot.deploys.past import migrated
from bot.operations.model import Operation, Step
from bot.operations.plan import Plan, PlannedStep
from bot.operations.states import OperationState, StepState

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
DONE, FAILED = OperationState.DONE, OperationState.FAILED


def deploy(number: int, commit: str, state: OperationState = DONE) -> Operation:
    """A deploy that applied its migrations, and went back afterwards where it failed."""
    step = PlannedStep("deploy.migrate", "Migrate")
    told = Step(0, step, StepState.DONE if state is DONE else StepState.UNDONE, NOW, NOW)
    return ran(number, Plan("deploy", "", "shop", (step,), {"commit": commit}), state, told)


def ran(
    number: int, plan: Plan, state: OperationState = DONE, *steps: Step, **said: Any
) -> Operation:
    return Operation(
        number, plan, state, "slack:U0BOB00001", "manual", NOW, steps, **{"started": NOW, **said}
    )


def test_the_last_deploy_that_is_done_has_tried_and_the_last_one_has_begun() -> None:
    assert migrated([]) == Migrated()
    assert migrated([deploy(1, "a"), deploy(2, "b")]) == Migrated("b", "b")
    assert migrated([deploy(1, "a"), deploy(2, "b", FAILED)]) == Migrated("a", "b")
    # One that was never begun, and one that left its migrations out.
    unbegun = Step(0, PlannedStep("deploy.migrate", "Migrate"))
    without = ran(2, deploy(2, "b").plan, DONE, unbegun)
    assert migrated([deploy(1, "a"), without]) == Migrated("a", "a")


def test_what_was_tried_on_another_database_tells_nothing() -> None:
    past = [deploy(1, "a"), deploy(2, "b", FAILED)]

    def then(runbook: str, **said: Any) -> Migrated:
        return migrated([*past, ran(3, Plan(runbook, "", "shop", (), **said))])

    assert then("rollback", parameters={"with": ""}) == Migrated("a", "b")
    assert then("rollback", parameters={"with": "database"}) == Migrated()
    assert then("rollback", parameters={"with": "migrations"}) == Migrated()
    assert then("restore", facts={"parts": ["media"]}) == Migrated("a", "b")
    assert then("restore", facts={"parts": ["media", "database"]}) == Migrated()
    planned = ran(3, Plan("restore", "", "shop", ()), OperationState.EXPIRED, started=None)
    assert migrated([*past, planned]) == Migrated("a", "b")
