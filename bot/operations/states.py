"""The states of operations and of their steps, and what an operation is queued for."""

from __future__ import annotations

from enum import StrEnum

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


class Course(StrEnum):
    """What an operation is queued for; an interrupted one waits until a person has chosen."""

    RUN = "run"
    CHOOSE = "choose"
    RESUME = "resume"
    UNDO = "undo"
    LEAVE = "leave"
