"""What the configuration says takes a step back: steps of their own, run where it is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.errors import Failed
from bot.operations.model import Operation, Step, StepContext, StepKind
from bot.operations.plan import PlannedStep
from bot.words import duration

UNDO = "undo"
"""The argument of a step that holds what takes it back: a list of steps in `as_argument`'s form."""


def as_argument(step: PlannedStep) -> dict[str, Any]:
    """A step that undoes another, as that one's argument keeps it."""
    return {
        "kind": step.kind,
        "title": step.title,
        "arguments": dict(step.arguments),
        "limit": step.limit,
    }


class UndoContext:
    """The context of the step that is undone, seen by a step that undoes it."""

    def __init__(self, context: StepContext, planned: PlannedStep) -> None:
        self.operation: Operation = context.operation
        self.step: Step = replace(context.step, planned=planned)
        self._context = context

    async def progress(self, note: str, share: float | None = None) -> None:
        """Said of the step that is undone."""
        await self._context.progress(f"{self.step.planned.title}: {note}", share)

    async def output(self, text: str) -> None:
        """Goes with that step's output."""
        await self._context.output(text)


async def run_undo(kinds: Mapping[str, StepKind], context: StepContext) -> None:
    """Runs the steps that take a step back, in their order; nothing where there are none.

    Raises what they raise, and Failed where one takes longer than its limit.
    """
    for each in context.step.planned.arguments.get(UNDO, ()):
        planned = PlannedStep(
            each["kind"], each["title"], each["arguments"], limit=each.get("limit")
        )
        try:
            async with asyncio.timeout(planned.limit):
                await kinds[planned.kind].run(UndoContext(context, planned))
        except TimeoutError:
            raise Failed(
                f"{planned.title} did not end within {duration(planned.limit or 0)}."
            ) from None
