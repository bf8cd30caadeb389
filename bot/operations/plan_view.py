"""A plan as people read it before it runs: every step with its command, time, risk and undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot import words
from bot.operations.model import Operation, TargetLock
from bot.operations.plan import Confirm, Plan, PlannedStep
from bot.operations.view import lock_line
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

FORM = "operation.confirm"
NAME = "name"
MOST_SECTIONS = 80

_WHOLE = "Undo of the whole"

Usual = Mapping[str, timedelta]


@dataclass(frozen=True)
class Beside:
    """What is shown beside a plan: how long its steps take as a rule, who keeps its target, and
    whose approval it `needs`, as a sentence."""

    usual: Usual = field(default_factory=dict)
    lock: TargetLock | None = None
    needs: str = ""


NOTHING = Beside()


def message(plan: Plan, beside: Beside = NOTHING) -> Message:
    """The plan for who asked to see it; nothing runs."""
    return Message(_sentence(plan), _blocks(plan, beside))


def waiting(operation: Operation, beside: Beside = NOTHING, label: str = "Go on") -> Message:
    """The same with the button that goes on: where no modal could be opened, or after a plan that
    was only to be seen."""
    go_on = blocks.button(label, "operation.review", str(operation.id), style="primary")
    shown = _blocks(operation.plan, beside)
    return Message(_sentence(operation.plan), [*shown, blocks.actions(go_on)])


def modal(operation: Operation, beside: Beside = NOTHING) -> dict[str, Any]:
    """The plan with what it takes to run it."""
    plan = operation.plan
    shown = _blocks(plan, beside)
    if plan.confirm is Confirm.NAME:
        typed = blocks.text_input(NAME, limit=200)
        shown.append(blocks.field(f"To confirm, type {plan.target}", typed, block_id=NAME))
    return blocks.modal(
        f"{FORM}:{operation.id}",
        "Plan",
        shown,
        submit="Run",
        close="Not now",
        metadata=plan.target if plan.confirm is Confirm.NAME else "",
    )


def seen(plan: Plan, beside: Beside = NOTHING) -> dict[str, Any]:
    """The plan alone, in a modal."""
    return blocks.modal("operation.plan", "Plan", _blocks(plan, beside))


def locked(lock: TargetLock | None) -> list[Block]:
    """Who keeps the plan's target, and what that means; nothing where nobody does."""
    if lock is None:
        return []
    told = f"{Sign.PAUSED} {lock_line(lock)}. Other people's operations wait until it is unlocked."
    return [blocks.context(told)]


def lines(plan: Plan, beside: Beside = NOTHING) -> list[str]:
    """The plan as plain lines, for the terminal."""
    result = [plan.title, *(f"  {blocks.without_moments(note)}" for note in plan.notes)]
    result += [f"  {beside.needs}"] if beside.needs else []
    for number, step in enumerate(plan.steps, 1):
        result.append(f"{number}. {step.title}" + _tail(step, beside.usual))
        result += [f"     {line}" for line in _details(step)]
    return [*result, *([f"{_WHOLE}: {plan.undo}"] if plan.undo else [])]


def _sentence(plan: Plan) -> str:
    return f"{plan.title}: the plan. Nothing has been run."


def _blocks(plan: Plan, beside: Beside) -> list[Block]:
    shown: list[Block] = [blocks.section(f"*{blocks.literal(plan.title)}*"), *locked(beside.lock)]
    shown += [blocks.context(blocks.literal(beside.needs))] if beside.needs else []
    if plan.notes:
        shown.append(blocks.paragraph("\n".join(plan.notes)))
    texts = [_text(number, step, beside.usual) for number, step in enumerate(plan.steps, 1)]
    # A modal holds 100 blocks.
    together = -(-len(texts) // MOST_SECTIONS)
    shown += [
        blocks.section("\n".join(texts[first : first + together]))
        for first in range(0, len(texts), together or 1)
    ]
    if plan.undo:
        shown.append(blocks.context(f"{_WHOLE}: {blocks.literal(plan.undo)}"))
    return shown


def _text(number: int, step: PlannedStep, usual: Usual) -> str:
    told = f"*{number}. {blocks.literal(step.title)}*{blocks.literal(_tail(step, usual))}"
    if step.command and not step.left_out:
        told += "\n" + blocks.code(step.command)
    rest = map(blocks.literal, _details(step)[len(step.command.splitlines()) :])
    return "\n".join([told, *rest])


def _tail(step: PlannedStep, usual: Usual) -> str:
    if step.left_out:
        return f" · {Sign.REFUSED} left out: {step.left_out}"
    expected = usual.get(step.title)
    if not expected:
        return ""
    if expected < timedelta(seconds=1):
        return " · under 1 s"
    return f" · about {words.duration(expected)}"


def _details(step: PlannedStep) -> list[str]:
    if step.left_out:
        return []
    told = step.command.splitlines()
    told += [f"Risk: {step.risk}"] if step.risk else []
    told += [f"Undo: {step.undo}"] if step.undo else []
    told += ["Runs also after a failure."] if step.always else []
    return told
