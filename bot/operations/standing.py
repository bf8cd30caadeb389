"""How an operation stands now, in words: its state, and what later ones have taken back of it."""

from __future__ import annotations

from bot.operations.model import Operation, TakenBack
from bot.operations.states import Course, OperationState
from bot.words import Sign, join

_SAID = {
    OperationState.PLANNED: "is planned",
    OperationState.AWAITING: "waits for approval",
    OperationState.QUEUED: "waits",
    OperationState.RUNNING: "is running",
    OperationState.DONE: "is done",
    OperationState.FAILED: "failed",
    OperationState.CANCELLED: "was cancelled",
    OperationState.INTERRUPTED: "was interrupted",
    OperationState.REFUSED: "was refused",
    OperationState.EXPIRED: "was not approved in time and will not run",
    OperationState.UNDONE: "was undone",
}


def sign(operation: Operation) -> Sign:
    """The sign of how it stands: a warning where it is done, but a step of it without the
    effect that it is for."""
    if _is_undone(operation):
        return Sign.UNDONE
    doubted = any(step.sign is Sign.WARNING for step in operation.steps)
    done = operation.state is OperationState.DONE
    return Sign.WARNING if done and doubted else operation.state.sign


def words_of(operation: Operation) -> str:
    """How it stands: `done`, `taken back by operation 13`, `failed, taken back by operation 13`,
    `done, media taken back by operation 13`, `done, being taken back by operation 13`."""
    state = _state_words(operation)
    if not operation.taken_back:
        return state
    told = _taken_back(operation)
    return told if _is_undone(operation) else f"{state}, {told}"


def sentence(operation: Operation) -> str:
    """The same as a full sentence, as notifications show it."""
    tail = f": {operation.error}" if operation.error and operation.state.final else "."
    return f"{sign(operation)} {operation.plan.title} {predicate(operation)}{tail}"


def predicate(operation: Operation) -> str:
    """The same as what follows its name in a sentence: `is running`, `was cancelled`."""
    said = _SAID[operation.state]
    if not operation.taken_back:
        return said
    told = _taken_back(operation)
    return f"was {told}" if _is_undone(operation) else f"{said}, {told}"


def _state_words(operation: Operation) -> str:
    if operation.state is OperationState.AWAITING:
        return "waits for approval"
    if operation.state is OperationState.INTERRUPTED and operation.course is Course.LEAVE:
        return "interrupted, left as it is"
    return operation.state.value


def _is_undone(operation: Operation) -> bool:
    """Whether it went well and nothing of it is in place any more."""
    return operation.state is OperationState.DONE and operation.is_taken_back


def _taken_back(operation: Operation) -> str:
    """By which operations it was taken back, or which part of it by which."""
    if operation.is_taken_back:
        numbers = sorted({one.by for one in operation.taken_back if one.done})
        return f"taken back by operation {join(list(map(str, numbers)))}"
    return ", ".join(map(_one, operation.taken_back))


def _one(taken_back: TakenBack) -> str:
    told = f"{'' if taken_back.done else 'being '}taken back by operation {taken_back.by}"
    return f"{taken_back.part} {told}".lstrip()
