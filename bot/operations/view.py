"""An operation as a Slack message and as terminal text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import words
from bot.operations import buttons, standing
from bot.operations.model import SOMEONE, Operation, Step, TargetLock, names_of
from bot.operations.plan import Confirm
from bot.operations.states import OperationState, StepState
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

# Slack draws any number of usual spaces as one.
GAP = "\N{EM SPACE}"

_NOT_GOING = (
    OperationState.PLANNED,
    OperationState.AWAITING,
    OperationState.REFUSED,
    OperationState.EXPIRED,
)


_CANCELLING = (OperationState.CANCELLED, OperationState.RUNNING)

MOST_ROWS = 15
"""Rows of steps that a message shows; of more, those that are done are told as one."""

_LINE = 200
_TAIL = 2_500


@dataclass(frozen=True)
class Shown:
    """What is shown of an operation beyond itself.

    `usual` is how long it takes as a rule, `usual_steps` how long its steps do, by title; `behind`
    says what it waits for, `tail` holds the last lines of output.
    """

    now: datetime
    usual: timedelta | None = None
    usual_steps: Mapping[str, timedelta] = field(default_factory=dict)
    behind: str = ""
    tail: str = ""
    next_steps: Sequence[Block] = ()


def who(actor: str) -> str:
    """An actor of the event log, for Slack: people as mentions, the clock as itself."""
    kind, _, name = actor.partition(":")
    if kind == "slack":
        return blocks.person(name)
    return f"{blocks.escape(name)} at the terminal" if kind == "os" else "the schedule"


def headline(operation: Operation, now: datetime, usual: timedelta | None) -> str:
    """One line: sign, subject, state, how long."""
    parts = [f"{standing.sign(operation)} {operation.plan.title}"]
    if operation.state is OperationState.RUNNING:
        if running := operation.running_step:
            parts.append(f"step {running.position + 1} of {len(operation.steps)}")
        parts.append(_of_usual(now - (operation.started or now), usual))
    else:
        parts.append(standing.words_of(operation))
        if operation.started and operation.finished:
            parts.append(words.duration(operation.finished - operation.started))
    return " · ".join(parts)


def step_line(step: Step, now: datetime, usual: timedelta | None = None) -> str:
    """One step: sign, title, what it says of itself, how long."""
    parts = [step.note] if step.note else []
    if step.share is not None:
        parts.append(words.bar(step.share))
    if step.started:
        took = (step.finished or now) - step.started
        if took >= timedelta(seconds=1):
            parts.append(_of_usual(took, usual if step.state is StepState.RUNNING else None))
    if step.state not in (StepState.OPEN, StepState.RUNNING, StepState.DONE):
        parts.insert(0, step.state.value)
    return f"{step.sign} {step.planned.title}" + (f"{GAP}{', '.join(parts)}" if parts else "")


def _of_usual(took: timedelta, usual: timedelta | None) -> str:
    """How long something has taken, and how long it takes as a rule, where that is known."""
    told = words.duration(took)
    if not usual:
        return told
    expected = words.duration(usual)
    return f"{told}, usually about {expected}" if took > usual else f"{told} of about {expected}"


def lines(
    operation: Operation,
    now: datetime,
    usual: timedelta | None = None,
    usual_steps: Mapping[str, timedelta] | None = None,
) -> list[str]:
    """The operation as plain lines, for the terminal and the fallback."""
    expected = usual_steps or {}
    result = [headline(operation, now, usual)]
    if operation.state not in _NOT_GOING:
        result += _told_rows(_rows(operation), now, expected)
    waiting = names_of([step for step in operation.steps if step.state is StepState.OPEN])
    if waiting and not operation.state.final:
        result.append(f"{Sign.OPEN} {' · '.join(waiting)}")
    left_out = [step for step in operation.steps if step.state is StepState.LEFT_OUT]
    if left_out:
        told = [f"{step.planned.title} ({step.planned.left_out})" for step in left_out]
        result.append(f"{Sign.REFUSED} Left out: {', '.join(told)}")
    return result + ([operation.error] if operation.error and operation.state.final else [])


def _rows(operation: Operation) -> list[list[Step]]:
    """The steps that were begun, a group that is done as one row."""
    rows: list[list[Step]] = []
    for step in operation.steps:
        if step.state in (StepState.OPEN, StepState.LEFT_OUT):
            continue
        before = rows[-1][-1] if rows else None
        together = step.planned.group and before and before.planned.group == step.planned.group
        if together and before and {before.state, step.state} == {StepState.DONE}:
            rows[-1].append(step)
        else:
            rows.append([step])
    return rows


def _told_rows(
    rows: list[list[Step]], now: datetime, expected: Mapping[str, timedelta]
) -> list[str]:
    """A line for each row; of many, the first that are done are one line, so that what runs or
    failed is never cut off. One that is done with a warning keeps its line."""
    told = [_rows_line(row, now, expected) for row in rows]
    folded = 0
    while len(rows) - folded > MOST_ROWS and rows[folded][-1].state is StepState.DONE:
        folded += 1
    if folded < 2:
        return told
    doubted = [at for at in range(folded) if rows[at][-1].sign is Sign.WARNING]
    plain = words.count(folded - len(doubted), "step")
    return [f"{Sign.DONE} {plain} done", *(told[at] for at in doubted), *told[folded:]]


def _cut(text: str) -> str:
    """The last lines of an output, each no longer than a message can bear."""
    lines = [line if len(line) <= _LINE else f"{line[:_LINE]}…" for line in text.splitlines()]
    while sum(map(len, lines)) > _TAIL:
        lines.pop(0)
    return "\n".join(lines)


def _rows_line(steps: list[Step], now: datetime, expected: Mapping[str, timedelta]) -> str:
    first, last = steps[0], steps[-1]
    if first is last:
        return step_line(last, now, expected.get(last.planned.title))
    whole = replace(last.planned, title=last.planned.group)
    return step_line(replace(last, planned=whole, started=first.started), now)


def message(operation: Operation, shown: Shown) -> Message:
    """The one live message of an operation."""
    head, *body = lines(operation, shown.now, shown.usual, shown.usual_steps)
    parts: list[Block] = [blocks.section(f"*{blocks.literal(head)}*")]
    if shown.behind:
        parts.append(blocks.context(shown.behind))
    if not operation.started and operation.plan.confirm is Confirm.NONE and operation.plan.notes:
        # Nobody was shown the plan before.
        parts.append(blocks.paragraph("\n".join(operation.plan.notes)))
    parts += awaiting(operation)
    if body:
        parts.append(blocks.paragraph("\n".join(body)))
    if tail := operation.output or shown.tail:
        parts.append(blocks.section(blocks.code(_cut(tail))))
    if row := [*buttons.of(operation), *shown.next_steps]:
        parts.append(blocks.actions(*row))
    asked = blocks.moment(operation.requested, "{date_short_pretty} {time}")
    quiet = f"{who(operation.actor)}, {asked} · operation {operation.id}"
    if operation.cancel_by and (operation.state in _CANCELLING):
        quiet += f" · cancelled by {who(operation.cancel_by)}"
    parts.append(blocks.context(quiet))
    return Message(standing.sentence(operation), parts)


def awaiting(operation: Operation) -> list[Block]:
    """Who has approved, who is waited for, and until when."""
    said = [
        f"{who(one.person)} went on without approval: {blocks.literal(one.reason)}"
        if one.reason
        else f"{'Approved' if one.approves else 'Refused'} by {who(one.person)}"
        for one in operation.approvals
    ]
    if operation.state is OperationState.AWAITING:
        missing = operation.approvals_needed - len(operation.approved_by())
        whom = words.join([_awaited(each) for each in operation.awaited], "or")
        asked = f"Waits for {words.count(missing, 'approval')}" + (f" by {whom}" if whom else "")
        until = f" until {blocks.moment(operation.expires)}" if operation.expires else ""
        said.append(f"{asked}{until}.")
        if buttons.is_short(operation):
            few = f"{'Too few others hold' if operation.awaited else 'Nobody else holds'} the role"
            then = "" if buttons.may_go_alone(operation) else " once they have approved"
            said.append(f"{few}: who asked may go on alone{then}, with a reason, after 60 seconds.")
    told = [blocks.context(" · ".join(said))] if said else []
    return [*told, *_stranger(operation)]


def _stranger(operation: Operation) -> list[Block]:
    """A warning where who asks and who approves could be one person: nobody knows which person in
    Slack uses a terminal."""
    if not (operation.host and buttons.asks(operation)):
        return []
    asker = blocks.literal(operation.asker.removeprefix("os:"))
    told = f"Asked for at the terminal by {asker}. Whoever typed this does not approve it."
    return [blocks.section(f"{Sign.WARNING} {told}")]


def alarm(operation: Operation) -> Message:
    """What is said anew when an operation did not end well: an edit would notify nobody."""
    return _loud(operation, standing.sentence(operation))


def unapproved(operation: Operation, reason: str) -> Message:
    """What is said when someone goes on without the approvals that are asked for."""
    told = f"{Sign.WARNING} {operation.plan.title} goes on without approval: {reason}"
    return _loud(operation, told)


def lock_line(lock: TargetLock) -> str:
    """Who keeps a target for themselves, why and since when. Mrkdwn."""
    since = blocks.moment(lock.since, "{date_short_pretty} {time}")
    return f"Locked by {who(lock.holder)} since {since}: {blocks.literal(lock.reason)}"


def log(operation: Operation, kept: Sequence[tuple[int, datetime, str]]) -> str:
    """All that an operation wrote, as a file: each step's lines below its title."""
    parts: list[str] = []
    last = -1
    for position, at, text in kept:
        if position != last:
            title = operation.steps[position].planned.title
            parts.append(f"== {title} ({at:%Y-%m-%dT%H:%M:%SZ})")
            last = position
        parts.append(text)
    return "\n".join(parts) + "\n"


def _loud(operation: Operation, told: str) -> Message:
    asked = blocks.context(f"Asked for by {who(operation.asker)}")
    return Message(told, [blocks.paragraph(told), asked])


def _awaited(actor: str) -> str:
    return "anyone else who may do this" if actor == SOMEONE else who(actor)
