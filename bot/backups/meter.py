"""Live progress of what is written: size, speed, and how much of the expected is done."""

from __future__ import annotations

from time import monotonic

from bot import words
from bot.operations.model import StepContext


class Meter:
    """Tells a step's progress. `expected` are the bytes that it came to last time, if known."""

    def __init__(self, context: StepContext, expected: int | None) -> None:
        self._context = context
        self._expected = expected
        self._began = monotonic()

    async def show(self, written: int) -> None:
        """Says that `written` bytes are on the disk; cheap to call often."""
        seconds = monotonic() - self._began
        speed = f", {words.size(int(written / seconds))}/s" if seconds > 1 else ""
        # What is expected is a guess: only the end is the end.
        share = min(0.99, written / self._expected) if self._expected else None
        await self._context.progress(f"{words.size(written)}{speed}", share)

    async def show_fetched(self, fetched: int, of: int) -> None:
        """Says how much is here of what was written elsewhere; cheap to call often."""
        await self._context.progress(f"{words.size(fetched)} of {words.size(of)} fetched", 0.99)
