"""The buttons of an operation's message: what can be done with it as it stands."""

from __future__ import annotations

from bot.operations.model import SOMEONE, Operation
from bot.operations.states import Course, OperationState, StepState
from bot.slack import blocks
from bot.slack.message import Block

APPROVAL = "approval"
"""The kind of the step that waits for people."""


def of(operation: Operation) -> list[Block]:
    """The buttons, the next step first."""
    match operation.state:
        case OperationState.AWAITING:
            alone = [_button(operation, "Go on alone", "alone")] if may_go_alone(operation) else []
            row = [*_saying(operation), *alone, _plan(operation), _cancel(operation)]
        case OperationState.QUEUED:
            row = [_plan(operation), _cancel(operation)]
        case OperationState.RUNNING:
            undoing = operation.course is Course.UNDO
            row = [
                *(_saying(operation) if asks(operation) else ()),
                *(() if undoing else (_cancel(operation),)),
            ]
        case OperationState.INTERRUPTED if operation.course is Course.CHOOSE:
            row = _choices(operation)
        case _:
            row = []
    return row


def asks(operation: Operation) -> bool:
    """Whether others are asked for their approval, of the plan or of a step."""
    if operation.state is OperationState.RUNNING:
        step = operation.running_step
        return step is not None and step.planned.kind == APPROVAL
    return operation.state is OperationState.AWAITING


def is_short(operation: Operation) -> bool:
    """Whether fewer others hold the role than must approve."""
    known = SOMEONE not in operation.awaited
    return known and len(operation.awaited) < operation.approvals_needed


def may_go_alone(operation: Operation) -> bool:
    """Whether all who could approve have, and that is not enough."""
    approved = {each.person for each in operation.approved_by()}
    return is_short(operation) and approved.issuperset(operation.awaited)


def _saying(operation: Operation) -> list[Block]:
    return [
        _button(
            operation,
            "Approve",
            "approve",
            style="primary",
            confirm=blocks.confirm("Approve this operation?", _approving(operation), "Approve it"),
        ),
        _button(operation, "Refuse", "refuse"),
    ]


def _approving(operation: Operation) -> str:
    """What is approved, and the risks of what is still to run."""
    to_come = [step.planned for step in operation.steps if step.state is StepState.OPEN]
    risks = list(dict.fromkeys(planned.risk for planned in to_come if planned.risk))
    told = f"{blocks.literal(operation.plan.title)} goes on once enough have approved."
    return "\n".join([told, *(f"Risk: {blocks.literal(risk)}" for risk in risks)])


def _choices(operation: Operation) -> list[Block]:
    title = blocks.escape(operation.plan.title)
    return [
        _button(operation, "Resume", "resume", style="primary"),
        _button(
            operation,
            "Undo",
            "undo",
            style="danger",
            confirm=blocks.confirm(
                "Undo this operation?",
                f"{title}: what it has done is taken back, as far as its plan says how.",
                "Undo it",
            ),
        ),
        _button(
            operation,
            "Leave",
            "leave",
            confirm=blocks.confirm(
                "Leave it as it is?", f"{title}: nothing more is done about it here.", "Leave it"
            ),
        ),
    ]


def _plan(operation: Operation) -> Block:
    return _button(operation, "Plan", "plan")


def _cancel(operation: Operation) -> Block:
    question = blocks.confirm(
        "Cancel this operation?",
        f"{blocks.escape(operation.plan.title)} stops now, and what it left unfinished is removed.",
        "Stop it",
        "Let it run",
    )
    return _button(operation, "Cancel", "cancel", style="danger", confirm=question)


def _button(
    operation: Operation, label: str, deed: str, *, style: str = "", confirm: Block | None = None
) -> Block:
    return blocks.button(
        label, f"operation.{deed}", str(operation.id), style=style, confirm=confirm
    )
