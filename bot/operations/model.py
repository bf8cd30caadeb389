"""Operations and their steps, and what the code of a step is given and gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.operations.plan import Plan, PlannedStep
from bot.operations.states import Course, OperationState, StepState
from bot.words import Sign


@dataclass(frozen=True)
class Approval:
    """What someone else said to a plan, or to the step at `position` of one that runs.

    `position` is -1 for the plan. `person` is an actor; `reason` is set where someone went on
    without those who were asked.
    """

    position: int
    person: str
    approves: bool
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class Step:
    """A step of an operation as it stands. `result` is what it returned, or told last.

    `note` is one line for people: progress while running, the outcome after, the error if failed.
    """

    position: int
    planned: PlannedStep
    state: StepState = StepState.OPEN
    started: datetime | None = None
    finished: datetime | None = None
    note: str = ""
    share: float | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sign(self) -> Sign:
        """The sign of how it stands: a warning where it is done, and its result says of itself
        that it is not `proven`."""
        doubted = self.state is StepState.DONE and self.result.get("proven") is False
        return Sign.WARNING if doubted else self.state.sign

    @property
    def left(self) -> str:
        """What its undo has said of how things are since, "" for nothing."""
        return str(self.result.get(LEFT, ""))


LEFT = "left"
"""Under this a step's result keeps what its undo has said."""


def names_of(steps: Iterable[Step]) -> list[str]:
    """What people call steps: a group by its name, once."""
    return list(dict.fromkeys(step.planned.group or step.planned.title for step in steps))


SOMEONE = "someone"
"""Stands among the awaited where Slack does not say who has the role, or where everyone may."""


@dataclass(frozen=True)
class TargetLock:
    """A target that someone keeps for their own operations."""

    target: str
    holder: str
    reason: str
    since: datetime

    def keeps_out(self, actor: str) -> bool:
        """Whether it keeps an actor from the target: not its holder, nor the clock, since a lock
        forgotten for a week must not cost a week's backups."""
        return actor not in (self.holder, "opsbell")


@dataclass(frozen=True)
class TakenBack:
    """A `part` of an operation, or "" for all of it, was taken back by the operation numbered
    `by`, and that one stands; where it is not `done`, that one is at work on it."""

    by: int
    part: str = ""
    done: bool = True


@dataclass(frozen=True)
class Operation:
    """One run of a plan. `reason` is why it was asked for: `manual`, `schedule`, …

    `error` and `output` are set when it failed or was interrupted, redacted. `cancel_by` is the
    actor who asked for it to be cancelled, "" if nobody did; `chosen_by` who chose what becomes of
    it once it was interrupted. `approvals_needed` are how many others must approve, of those
    `awaited` (actors), until `expires`.
    """

    id: int
    plan: Plan
    state: OperationState
    actor: str
    reason: str
    requested: datetime
    steps: tuple[Step, ...]
    started: datetime | None = None
    finished: datetime | None = None
    error: str = ""
    output: str = ""
    cancel_by: str = ""
    approvals_needed: int = 0
    approvals: tuple[Approval, ...] = ()
    awaited: tuple[str, ...] = ()
    expires: datetime | None = None
    course: Course = Course.RUN
    chosen_by: str = ""
    host: str = ""
    taken_back: tuple[TakenBack, ...] = ()

    @property
    def is_taken_back(self) -> bool:
        """Whether later operations have taken all of it back."""
        parts = {one.part for one in self.taken_back if one.done}
        return "" in parts or (bool(self.plan.parts) and parts.issuperset(self.plan.parts))

    @property
    def wanted_by(self) -> str:
        """Who wants it to go on: who chose that last, else who asked for it."""
        return self.chosen_by or self.actor

    @property
    def asker(self) -> str:
        """Who asked for it, with the machine at whose terminal: `os:root@web1`, `slack:U…`."""
        return f"{self.actor}@{self.host}" if self.host else self.actor

    @property
    def tag(self) -> str:
        """What no other operation is called, another Opsbell's on this machine included."""
        return f"{self.id}-{self.requested.astimezone(UTC):%Y%m%dT%H%M%S.%f}"

    @property
    def running_step(self) -> Step | None:
        """The step that runs, or ran when its process died."""
        return next((step for step in self.steps if step.state is StepState.RUNNING), None)

    def approved_by(self, position: int = -1) -> list[Approval]:
        """Who else approved the plan, or the step at `position`."""
        return [
            one
            for one in self.approvals
            if one.position == position and one.approves and one.person != self.actor
        ]

    @property
    def key(self) -> str:
        """Its stable name, for posts and events."""
        return f"operation:{self.id}"

    def results(self) -> dict[str, Mapping[str, Any]]:
        """What the finished steps returned, by kind."""
        return {
            step.planned.kind: step.result for step in self.steps if step.state is StepState.DONE
        }


class StepContext(Protocol):
    """What a step is given to work with."""

    operation: Operation
    step: Step

    async def progress(self, note: str, share: float | None = None) -> None:
        """Says how far the step is; cheap to call often (kept and shown once a second at most)."""
        ...

    async def output(self, text: str) -> None:
        """Keeps whole lines that the work has written, redacted here: the last are shown as they
        come, all of them are a file in the thread at the end. Cheap to call often."""
        ...


class StepKind(Protocol):
    """The code behind a kind of step. It must be safe to undo a step that never began."""

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Does the work; its result may hold `note`, one line on the outcome, and `proven`: False
        where it is done and was seen not to have the effect that it is for.

        Raises OpsbellError for what a person can understand; cancellation ends it promptly.
        """
        ...

    async def undo(self, context: StepContext) -> str | None:
        """Takes back what the step has done, whole or in part, and proves it. Idempotent. What
        people have to know of how things are now, as sentences, if anything.

        Called in reverse order on the steps that were begun when an operation fails or is
        cancelled, and on the one that was cut off when its process died: first ends what may still
        run of it. Where nothing can be taken back it does nothing.
        """
        ...

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Asked of a step whose end was not seen, or that was not begun when the process died:
        its result, as from `run`, if what it is for is so (or was quickly made so); else None."""
        ...
