"""How operations end: which steps are taken back, and what people are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.operations.model import Operation, Step, names_of
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
    is_cleaned_up: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it ended as it was meant to."""
        return self.state in (OperationState.DONE, OperationState.UNDONE)

    @property
    def takes_back(self) -> bool:
        """Whether what was begun has yet to be taken back."""
        return not (self.is_good or self.is_cleaned_up)

    @property
    def outcome(self) -> str:
        """How the log of events calls it."""
        return "ok" if self.is_good else "failed"


CANCELLATION = Ending(OperationState.CANCELLED, StepState.CANCELLED)

_UNTOUCHED = (StepState.OPEN, StepState.LEFT_OUT, StepState.UNDONE)


def begun(operation: Operation) -> list[Step]:
    """The steps that have been begun and not been taken back."""
    return [step for step in operation.steps if step.state not in _UNTOUCHED]


def to_take_back(operation: Operation, *, crashed: bool) -> list[Step]:
    """What is undone when an operation did not end well: after a crash that people decide about,
    the step that was cut off, with its group; else all but the finished steps that stand, and
    those that always run: they are what is wanted now."""
    steps = [step for step in begun(operation) if not step.planned.always]
    if crashed and operation.plan.recovery is Recovery.ASK:
        return [
            step
            for step in steps
            if step.state is StepState.RUNNING or not _is_whole(operation, step)
        ]
    return [step for step in steps if not _stands(operation, step)]


def to_run_always(operation: Operation) -> list[Step]:
    """The steps that run also after a failure and have not run, or were cut off and may run again.

    One that failed itself is not tried again here."""
    return [
        step
        for step in operation.steps
        if step.planned.always
        and (
            step.state is StepState.OPEN
            or (step.state is StepState.RUNNING and step.planned.repeatable)
        )
    ]


def kept_by(operation: Operation) -> str:
    """What an undo could not take back because nothing does, in words."""
    kept = [s for s in operation.steps if s.state is StepState.DONE and not s.planned.undo]
    told = [f"Nothing takes back: {join(names_of(kept))}."] if kept else []
    return " ".join([*_left(operation), *told])


def after_crash(operation: Operation) -> str:
    """What is so after an interrupted operation was looked after."""
    if operation.plan.recovery is Recovery.UNDO:
        return "What was unfinished has been removed."
    done = sum(step.state is StepState.DONE for step in operation.steps)
    return f"{done} of {len(operation.steps)} steps are done and stand."


def what_is_so_now(operation: Operation) -> str:
    """What the undos have left, what was taken back and what stands, after an operation that did
    not end well."""
    undone = [s for s in operation.steps if s.state is StepState.UNDONE and s.planned.undo]
    standing = [step for step in operation.steps if _stands(operation, step)]
    told = _left(operation)
    told += [f"Taken back: {join(names_of(undone))}."] if undone else []
    told += [f"Still there: {join(names_of(standing))}."] if standing else []
    return " ".join(told)


def _left(operation: Operation) -> list[str]:
    """What the undos have said of how things are now."""
    return [step.left for step in operation.steps if step.left]


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


def interruption(operation: Operation, cause: str) -> Ending:
    """What is known after the process that ran the operation went away."""
    running = operation.running_step
    at = f" during «{running.planned.title}»" if running else " between two steps"
    return Ending(
        OperationState.INTERRUPTED,
        StepState.INTERRUPTED,
        error=f"Interrupted{at}: {cause}.",
    )


def changed_since(operation: Operation, later: Operation) -> str:
    """Why an interrupted operation is no longer resumed or undone."""
    return (
        f"{later.plan.title} ({later.id}) has run on {operation.plan.target} since, so what this"
        " one left can no longer be trusted."
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
        detail={
            "runbook": operation.plan.runbook,
            "plan": operation.plan.title,
            **(detail or {}),
        },
    )
