"""Plans, operations and their states: values and pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from bot.words import Sign


class OperationState(StrEnum):
    """queued → running → one of the rest, which are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (OperationState.QUEUED, OperationState.RUNNING)

    @property
    def sign(self) -> Sign:
        """The sign that stands beside the word."""
        return {
            OperationState.QUEUED: Sign.OPEN,
            OperationState.RUNNING: Sign.RUNNING,
            OperationState.DONE: Sign.DONE,
            OperationState.FAILED: Sign.CRITICAL,
            OperationState.CANCELLED: Sign.REFUSED,
            OperationState.INTERRUPTED: Sign.CRITICAL,
        }[self]


class StepState(StrEnum):
    """How far a step has come."""

    OPEN = "open"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan: its kind names the code that runs it, `arguments` are JSON values."""

    kind: str
    title: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What will run, where. A frozen value: what is approved is what runs.

    `facts` are resolved identities that the steps share, such as a backup's ID.
    """

    runbook: str
    title: str
    target: str
    steps: tuple[PlannedStep, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The form in which the database keeps it."""
        return asdict(self) | {"steps": [asdict(step) for step in self.steps]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """The reverse of `as_json`."""
        steps = tuple(PlannedStep(**step) for step in value["steps"])
        return cls(**(dict(value) | {"steps": steps}))


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


@dataclass(frozen=True)
class Operation:
    """One run of a plan. `reason` is why it was asked for: `manual`, `schedule`, …

    `error` and `output` are set when it failed or was interrupted, redacted. `cancel_by` is the
    actor who asked for it to be cancelled, "" if nobody did.
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


class StepKind(Protocol):
    """The code behind a kind of step. It must be safe to undo a step that never began."""

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Does the work; its result may hold `note`, one line on the outcome.

        Raises OpsbellError for what a person can understand; cancellation ends it promptly.
        """
        ...

    async def undo(self, context: StepContext) -> None:
        """Removes what an unfinished or failed operation left behind. Idempotent."""
        ...

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Asked of a step whose end was not seen, or that was not begun when the process died:
        its result, as from `run`, if what it is for is so (or was quickly made so); else None."""
        ...
