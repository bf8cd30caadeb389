"""A deploy that was run, as its operation tells: what a way back from it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.deploys import deployment as kinds
from bot.deploys.counting import Migrated
from bot.deploys.migrations import from_json
from bot.deploys.model import Migration
from bot.errors import Refused
from bot.operations.model import Operation
from bot.operations.states import OperationState, StepState

DEPLOY, ROLLBACK = "deploy", "rollback"
"""The runbooks that bring another revision."""


@dataclass(frozen=True)
class Past:
    """A deploy that was run: what ran before it, and what its steps told. `migrations` are those
    which the database had had before, None where that is not known; `applied` those of its own. One
    that `stands` was not taken back by itself."""

    number: int
    ref: str
    before: str
    after: str
    migrations: tuple[Migration, ...] | None
    applied: frozenset[Migration]
    migrated: bool
    backup: str
    images: Mapping[str, Any]
    stands: bool

    @classmethod
    def of(cls, operation: Operation) -> Past:
        """What is known of a deploy. Raises Refused for another operation, or one that did not
        begin to change anything."""
        facts, told = operation.plan.facts, {s.planned.kind: s.result for s in operation.steps}
        if operation.plan.runbook not in (DEPLOY, ROLLBACK):
            raise Refused(f"Operation {operation.id} is no deploy.", hint="See /deploy history.")
        kept = told.get(kinds.KEEP, {})
        if "migrations" not in kept:
            raise Refused(f"Deploy {operation.id} has changed nothing that could be taken back.")
        migrations = kept["migrations"]
        return cls(
            operation.id,
            str(facts["ref"]),
            str(facts["from"]),
            str(facts["commit"]),
            None if migrations is None else tuple(from_json(migrations)),
            frozenset(from_json(told.get(kinds.MIGRATE, {}).get("applied") or ())),
            any(s.planned.kind == kinds.MIGRATE and s.started for s in operation.steps),
            str(told.get("backup.publish", {}).get("set", "")),
            kept.get("images") or {},
            operation.state in (OperationState.DONE, OperationState.INTERRUPTED),
        )


def migrated(operations: Iterable[Operation]) -> Migrated:
    """What the deploys, rollbacks and restores of a target, in any order, tell of migrations."""
    begun = ""
    for operation in sorted(operations, key=lambda each: each.id, reverse=True):
        if _brings_database(operation):
            return Migrated("", begun)
        steps = [step for step in operation.steps if step.planned.kind == kinds.MIGRATE]
        if operation.plan.runbook != DEPLOY or not any(step.started for step in steps):
            continue
        commit = str(operation.plan.facts["commit"])
        begun = begun or commit
        done = all(step.state is StepState.DONE for step in steps)
        if done and operation.state is OperationState.DONE:
            return Migrated(commit, begun)
    return Migrated("", begun)


def _brings_database(operation: Operation) -> bool:
    """Whether it has put another state of the database in place, or has begun to."""
    plan = operation.plan
    if not operation.started or plan.runbook == DEPLOY:
        return False
    if plan.runbook == ROLLBACK:
        return bool(plan.parameters.get("with"))
    return "database" in plan.facts.get("parts", ("database",))
