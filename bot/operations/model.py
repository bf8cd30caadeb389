"""Plans, operations and their states: values and pure decisions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from bot.words import Sign


class OperationState(StrEnum):
    """planned → awaiting → queued → running → one of the rest, which are final.

    What asks for no confirmation begins as awaiting, and what needs no approval as queued. An
    interrupted one that a person resumes or undoes is queued again.
    """

    PLANNED = "planned"
    AWAITING = "awaiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    EXPIRED = "expired"
    UNDONE = "undone"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in UNFINISHED

    @property
    def sign(self) -> Sign:
        """The sign that stands beside the word."""
        return _STATE_SIGNS[self]


UNFINISHED = frozenset(
    {
        OperationState.PLANNED,
        OperationState.AWAITING,
        OperationState.QUEUED,
        OperationState.RUNNING,
    }
)
_STATE_SIGNS = {
    OperationState.PLANNED: Sign.OPEN,
    OperationState.AWAITING: Sign.OPEN,
    OperationState.QUEUED: Sign.OPEN,
    OperationState.RUNNING: Sign.RUNNING,
    OperationState.DONE: Sign.DONE,
    OperationState.FAILED: Sign.CRITICAL,
    OperationState.CANCELLED: Sign.REFUSED,
    OperationState.INTERRUPTED: Sign.CRITICAL,
    OperationState.REFUSED: Sign.REFUSED,
    OperationState.EXPIRED: Sign.REFUSED,
    OperationState.UNDONE: Sign.UNDONE,
}


class StepState(StrEnum):
    """How far a step has come."""

    OPEN = "open"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    UNDONE = "undone"
    LEFT_OUT = "left out"

    @property
    def sign(self) -> Sign:
        """The sign that stands beside the word."""
        return _STEP_SIGNS[self]


_STEP_SIGNS = {
    StepState.OPEN: Sign.OPEN,
    StepState.RUNNING: Sign.RUNNING,
    StepState.DONE: Sign.DONE,
    StepState.FAILED: Sign.CRITICAL,
    StepState.CANCELLED: Sign.REFUSED,
    StepState.INTERRUPTED: Sign.CRITICAL,
    StepState.UNDONE: Sign.UNDONE,
    StepState.LEFT_OUT: Sign.REFUSED,
}


class Confirm(StrEnum):
    """What the person who asks for a plan is asked in return before it goes on."""

    NONE = "none"
    ASK = "ask"  # whether to run it
    NAME = "name"  # to type the target's name


class Recovery(StrEnum):
    """What happens to an operation whose process died."""

    UNDO = "undo"  # all that it began is undone at once
    ASK = "ask"  # the step that was cut off is undone; people choose: resume, undo or leave


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan: its kind names the code that runs it, `arguments` are JSON values.

    `command`, `risk` and `undo` are for people: what exactly runs (redacted, as it is typed), what
    to know before, and what takes it back ("" where nothing has to be or can be taken back).
    `limit` is in seconds. `retries` are for steps that may run twice. A step that `stands` is not
    undone because a later one failed. One that is `always` to run also runs after a failure, once
    what failed is undone; after a crash only where it is `repeatable`. Steps of one `group` make
    one thing (a safety backup): one that is cut off takes the others with it. `left_out` says why
    planning left it out; it does not run then.
    """

    kind: str
    title: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    risk: str = ""
    undo: str = ""
    limit: float | None = None
    retries: int = 0
    repeatable: bool = False
    stands: bool = False
    always: bool = False
    group: str = ""
    left_out: str = ""


@dataclass(frozen=True)
class Plan:
    """What will run, where. A frozen value: what is approved is what runs.

    `facts` are resolved identities that the steps share, such as a backup's ID. `parameters` are
    what it was planned from; planned again from them at the start, it must be the same. `notes` are
    lines for people (the commits of a deploy, what will be gone), not compared: sizes and times
    stand there. `access` names the rule of who may run, approve and cancel it; the runbook's own
    where it is "". `undo` says how it is taken back once it is done.
    """

    runbook: str
    title: str
    target: str
    steps: tuple[PlannedStep, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    access: str = ""
    confirm: Confirm = Confirm.NONE
    recovery: Recovery = Recovery.UNDO
    notes: tuple[str, ...] = ()
    undo: str = ""

    @property
    def rule(self) -> str:
        """The name of its access rule."""
        return self.access or self.runbook

    def as_json(self) -> dict[str, Any]:
        """The form in which the database keeps it."""
        return asdict(self) | {"steps": [asdict(step) for step in self.steps]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """The reverse of `as_json`."""
        made = {
            "steps": tuple(PlannedStep(**step) for step in value["steps"]),
            "notes": tuple(value.get("notes", ())),
            "confirm": Confirm(value.get("confirm", Confirm.NONE)),
            "recovery": Recovery(value.get("recovery", Recovery.UNDO)),
        }
        return cls(**(dict(value) | made))

    def differences(self, other: Plan) -> list[str]:
        """What makes another plan a different one, in words: steps, commands and identities."""
        told = [
            f"{name}: {self.facts.get(name)} became {other.facts.get(name)}"
            for name in sorted({*self.facts, *other.facts})
            if _plain(self.facts.get(name)) != _plain(other.facts.get(name))
        ]
        ours, theirs = [_essence(s) for s in self.steps], [_essence(s) for s in other.steps]
        if ours != theirs:
            pairs = zip(self.steps, other.steps, strict=False)
            changed = [a.title for a, b in pairs if _essence(a) != _essence(b)]
            told.append(f"step: {changed[0]}" if changed else "the number of steps")
        if (self.runbook, self.target) != (other.runbook, other.target):
            told.append("the runbook or its target")
        return told


def _essence(step: PlannedStep) -> Any:
    """What a step does, without what is only said about it."""
    return _plain(
        [step.kind, step.title, step.arguments, step.command, step.always, bool(step.left_out)]
    )


def _plain(value: Any) -> Any:
    """A value as it is after its way through the database."""
    return json.loads(json.dumps(value))


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


class Course(StrEnum):
    """What an operation is queued for; an interrupted one waits until a person has chosen."""

    RUN = "run"
    CHOOSE = "choose"
    RESUME = "resume"
    UNDO = "undo"
    LEAVE = "leave"


SOMEONE = "someone"
"""Stands among the awaited where Slack does not say who has the role, or where everyone may."""


@dataclass(frozen=True)
class TargetLock:
    """A target that someone keeps for their own operations."""

    target: str
    holder: str
    reason: str
    since: datetime


@dataclass(frozen=True)
class Operation:
    """One run of a plan. `reason` is why it was asked for: `manual`, `schedule`, …

    `error` and `output` are set when it failed or was interrupted, redacted. `cancel_by` is the
    actor who asked for it to be cancelled, "" if nobody did. `approvals_needed` are how many others
    must approve, of those `awaited` (actors), until `expires`.
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


Planner = Callable[[str, Mapping[str, Any]], Awaitable[Plan]]
"""Plans a runbook on a target from its parameters (JSON values): reads the world, changes nothing.

The plan's `parameters` make the same plan again. Raises OpsbellError where it cannot be done.
"""


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
        """Does the work; its result may hold `note`, one line on the outcome.

        Raises OpsbellError for what a person can understand; cancellation ends it promptly.
        """
        ...

    async def undo(self, context: StepContext) -> None:
        """Takes back what the step has done, whole or in part, and proves it. Idempotent.

        Called in reverse order on the steps that were begun when an operation fails or is
        cancelled, and on the one that was cut off when its process died: first ends what may still
        run of it. Where nothing can be taken back it does nothing.
        """
        ...

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Asked of a step whose end was not seen, or that was not begun when the process died:
        its result, as from `run`, if what it is for is so (or was quickly made so); else None."""
        ...
