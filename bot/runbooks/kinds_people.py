"""Steps for people: one that waits for their approval, and one that tells them something."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.errors import Refused
from bot.operations.model import StepContext, StepKind
from bot.runbooks.undoing import run_undo
from bot.words import count

LOOK_EVERY = 1.0

StepApprovals = Callable[[int, int], Awaitable[tuple[Sequence[str], str]]]
"""Of an operation's step at a position: who has approved, and who refused ("" for nobody)."""

Ask = Callable[[StepContext], Awaitable[None]]
"""Posts once whom a step waits for and why, however often it is called."""

Tell = Callable[[StepContext, str], Awaitable[None]]
"""Posts a text once for a step, however often it is called."""


class Approval:
    """`approval`, with the arguments `role`, `count` and `text`: waits for people.

    Who may answer is seen to where they answer; here their answers are counted.
    """

    def __init__(self, approvals: StepApprovals, ask: Ask, kinds: Mapping[str, StepKind]) -> None:
        self._approvals = approvals
        self._ask = ask
        self._kinds = kinds

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Asks them and waits. Raises Refused as soon as one of them refuses."""
        result = await self._answered(context)
        if result is None:
            await self._ask(context)
        while result is None:
            await context.progress(waits_for(context.step.planned.arguments))
            await asyncio.sleep(LOOK_EVERY)
            result = await self._answered(context)
        return result

    async def undo(self, context: StepContext) -> None:
        """What people said stays said."""
        await run_undo(self._kinds, context)

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Whether enough have approved by now."""
        try:
            return await self._answered(context)
        except Refused:
            return None

    async def _answered(self, context: StepContext) -> Mapping[str, Any] | None:
        approved, refused = await self._approvals(context.operation.id, context.step.position)
        if refused:
            raise Refused(
                f"It was not approved: a {context.step.planned.arguments['role']} refused."
            )
        if len(approved) < context.step.planned.arguments["count"]:
            return None
        return {"note": count(len(approved), "approval"), "by": list(approved)}


def waits_for(given: Mapping[str, Any]) -> str:
    """What an approval step with these arguments does, as one clause."""
    text = f": {given['text']}" if given.get("text") else ""
    return f"waits for {count(given['count'], 'approval')} of {given['role']}{text}"


class Note:
    """`note`, with the argument `text`: tells people something, once."""

    def __init__(self, tell: Tell, kinds: Mapping[str, StepKind]) -> None:
        self._tell = tell
        self._kinds = kinds

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Posts it."""
        text = context.step.planned.arguments["text"]
        await self._tell(context, text)
        return {"note": text}

    async def undo(self, context: StepContext) -> None:
        """What was said stays said."""
        await run_undo(self._kinds, context)

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Posting again under the same key is no second post, so it is simply done."""
        return await self.run(context)
