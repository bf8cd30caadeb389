"""An operation as a Slack message and as terminal text."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import words
from bot.operations.model import Operation, OperationState, Step, StepState
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

STEP_SIGNS = {
    StepState.OPEN: Sign.OPEN,
    StepState.RUNNING: Sign.RUNNING,
    StepState.DONE: Sign.DONE,
    StepState.FAILED: Sign.CRITICAL,
    StepState.CANCELLED: Sign.REFUSED,
    StepState.INTERRUPTED: Sign.CRITICAL,
}

# Slack draws any number of usual spaces as one.
GAP = "\N{EM SPACE}"


def who(actor: str) -> str:
    """An actor of the event log, for Slack: people as mentions, the clock as itself."""
    kind, _, name = actor.partition(":")
    if kind == "slack":
        return blocks.person(name)
    return f"{blocks.escape(name)} at the terminal" if kind == "os" else "the schedule"


def headline(operation: Operation, now: datetime, usual: timedelta | None) -> str:
    """One line: sign, subject, state, how long."""
    parts = [f"{operation.state.sign} {operation.plan.title}"]
    if operation.state is OperationState.RUNNING:
        running = next((s for s in operation.steps if s.state is StepState.RUNNING), None)
        if running:
            parts.append(f"step {running.position + 1} of {len(operation.steps)}")
        elapsed = words.duration(now - (operation.started or now))
        parts.append(f"{elapsed} of about {words.duration(usual)}" if usual else elapsed)
    else:
        parts.append(operation.state.value)
        if operation.started and operation.finished:
            parts.append(words.duration(operation.finished - operation.started))
    return " · ".join(parts)


def step_line(step: Step, now: datetime) -> str:
    """One step: sign, title, what it says of itself, how long."""
    parts = [step.note] if step.note else []
    if step.share is not None:
        parts.append(words.bar(step.share))
    if step.started:
        took = (step.finished or now) - step.started
        if took >= timedelta(seconds=1):
            parts.append(words.duration(took))
    if step.state in (StepState.FAILED, StepState.INTERRUPTED, StepState.CANCELLED):
        parts.insert(0, step.state.value)
    return f"{STEP_SIGNS[step.state]} {step.planned.title}" + (
        f"{GAP}{', '.join(parts)}" if parts else ""
    )


def lines(operation: Operation, now: datetime, usual: timedelta | None = None) -> list[str]:
    """The operation as plain lines, for the terminal and the fallback."""
    result = [headline(operation, now, usual)]
    result += [step_line(step, now) for step in operation.steps if step.state is not StepState.OPEN]
    waiting = [step.planned.title for step in operation.steps if step.state is StepState.OPEN]
    if waiting and not operation.state.final:
        result.append(f"{Sign.OPEN} {' · '.join(waiting)}")
    return result + ([operation.error] if operation.error else [])


def message(
    operation: Operation, now: datetime, *, usual: timedelta | None = None, behind: str = ""
) -> Message:
    """The one live message of an operation; `behind` names what it waits for."""
    head, *body = lines(operation, now, usual)
    parts: list[Block] = [blocks.section(f"*{blocks.escape(head)}*")]
    if behind:
        parts.append(blocks.context(f"Waits for {blocks.escape(behind)}."))
    if body:
        parts.append(blocks.section(blocks.escape("\n".join(body))))
    if operation.output:
        parts.append(blocks.section(blocks.code(operation.output)))
    if not operation.state.final:
        parts.append(blocks.actions(_cancel_button(operation)))
    asked = blocks.moment(operation.requested, "{date_short_pretty} {time}")
    quiet = f"{who(operation.actor)}, {asked} · operation {operation.id}"
    if operation.cancel_by:
        quiet += f" · cancelled by {who(operation.cancel_by)}"
    parts.append(blocks.context(quiet))
    return Message(sentence(operation), parts)


def sentence(operation: Operation) -> str:
    """The operation's state as a full sentence, as notifications show it."""
    said = {
        OperationState.QUEUED: "waits",
        OperationState.RUNNING: "is running",
        OperationState.DONE: "is done",
        OperationState.FAILED: "failed",
        OperationState.CANCELLED: "was cancelled",
        OperationState.INTERRUPTED: "was interrupted",
    }[operation.state]
    tail = f": {operation.error}" if operation.error else "."
    return f"{operation.state.sign} {operation.plan.title} {said}{tail}"


def alarm(operation: Operation) -> Message:
    """What is said anew when an operation did not end well: an edit would notify nobody."""
    mention = who(operation.actor) + " " if operation.actor.startswith("slack:") else ""
    told = f"{mention}{blocks.escape(sentence(operation))}"
    return Message(sentence(operation), [blocks.section(told)])


def _cancel_button(operation: Operation) -> Block:
    question = blocks.confirm(
        "Cancel this operation?",
        f"{blocks.escape(operation.plan.title)} stops now, and what it left unfinished is removed.",
        "Stop it",
        "Let it run",
    )
    return blocks.button(
        "Cancel",
        f"{operation.plan.runbook}.cancel",
        str(operation.id),
        style="danger",
        confirm=question,
    )
