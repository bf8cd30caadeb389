"""How operations end: which steps are taken back, and what people are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.operations.model import Operation, Step
from bot.operations.plan import Recovery
from bot.operations.states import OperationState, StepState
from bot.store.events import Event
from bot.words import join


@dataclass(frozen=True)
class Ending:
    """How an operation ended, and what people are told."""

    state: OperationState
    step_state: StepState = StepState.FAILED
    error: str = ""
    output: str = ""

    @property
    def takes_back(self) -> bool:
        """Whether what was begun has to be taken back."""
        return self.state not in (OperationState.DONE, OperationState.UNDONE)

    @property
    def outcome(self) -> str:
        """How the log of events calls it."""
        return "failed" if self.takes_back else "ok"


CANCELLATION = Ending(OperationState.CANCELLED, StepState.CANCELLED)

_UNTOUCHED = (StepState.OPEN, StepState.LEFT_OUT, StepState.UNDONE)


def begun(operation: Operation) -> list[Step]:
    """The steps that have been begun and not been taken back."""
    return [step for step in operation.steps if step.state not in _UNTOUCHED]


def to_take_back(operation: Operation, *, crashed: bool) -> list[Step]:
    """What is undone when an operation did not end well: after a crash that people decide about,
    the step that was cut off, with its group; else all but the finished steps that stand."""
    if crashed and operation.plan.recovery is Recovery.ASK:
        return [
            step
            for step in begun(operation)
            if step.state is StepState.RUNNING or not _is_whole(operation, step)
        ]
    return [step for step in begun(operation) if not _stands(operation, step)]


def what_is_so_now(operation: Operation) -> str:
    """What was taken back and what stands, after an operation that did not end well."""
    undone = [s for s in operation.steps if s.state is StepState.UNDONE and s.planned.undo]
    standing = [step for step in operation.steps if _stands(operation, step)]
    told = [f"Taken back: {join(_names(undone))}."] if undone else []
    told += [f"Still there: {join(_names(standing))}."] if standing else []
    return " ".join(told)


def _stands(operation: Operation, step: Step) -> bool:
    """Whether a later failure leaves a step as it is."""
    return step.state is StepState.DONE and step.planned.stands and _is_whole(operation, step)


def _is_whole(operation: Operation, step: Step) -> bool:
    """Whether all steps of a step's group are done; one without a group is whole by itself."""
    group = step.planned.group
    return not group or all(
        each.state in (StepState.DONE, StepState.LEFT_OUT)
        for each in operation.steps
        if each.planned.group == group
    )


def _names(steps: list[Step]) -> list[str]:
    """What people call steps: a group by its name, once."""
    return list(dict.fromkeys(step.planned.group or step.planned.title for step in steps))


def interruption(operation: Operation, cause: str) -> Ending:
    """What is known after the process that ran the operation went away."""
    running = operation.running_step
    at = f" during «{running.planned.title}»" if running else " between two steps"
    rest = "What was unfinished has been removed."
    if operation.plan.recovery is Recovery.ASK:
        done = sum(step.state is StepState.DONE for step in operation.steps)
        cut_off = "What was cut off has been taken back as far as it can be. " if running else ""
        rest = f"{cut_off}{done} of {len(operation.steps)} steps are done and stand."
    return Ending(
        OperationState.INTERRUPTED,
        StepState.INTERRUPTED,
        error=f"Interrupted{at}: {cause}. {rest}",
    )


def operation_event(
    operation: Operation,
    action: str,
    *,
    actor: str = "",
    outcome: str = "ok",
    detail: Mapping[str, Any] | None = None,
) -> Event:
    """One line of history about an operation; by who asked for it, unless said otherwise."""
    return Event(
        actor=actor or operation.actor,
        action=action,
        subject=operation.key,
        target=operation.plan.target,
        outcome=outcome,
        detail={"runbook": operation.plan.runbook, **(detail or {})},
    )
