"""What a running step works with: it tells how far it is, and keeps what its work writes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import psycopg

from bot.cancelling import end
from bot.errors import OpsbellError, Unavailable
from bot.operations import output_store, step_store
from bot.operations.model import Operation, Step
from bot.operations.telling import Telling
from bot.store.database import Database, Transaction

logger = logging.getLogger(__name__)

PROGRESS_INTERVAL = 1.0
QUIET_INTERVAL = 5.0
"""Seconds after which a step that says nothing is shown anew, so that its time goes on."""

TELL_LIMIT = timedelta(seconds=2)
"""How long the work waits until its progress is told: it goes on while the database is away."""

MOST_KEPT = 4 * 1024 * 1024
"""Characters of output that one step keeps; work that writes more than that repeats itself."""

Redact = Callable[[str, str], str]
"""A target's text without its secrets: name, whole lines → the lines. May raise Unavailable."""


class Context:
    """See `bot.operations.model.StepContext`."""

    def __init__(
        self,
        database: Database,
        telling: Telling,
        redact: Redact,
        operation: Operation,
        step: Step,
    ) -> None:
        self.operation = operation
        self.step = step
        self._database = database
        self._telling = telling
        self._redact = redact
        self._told = 0.0
        self._telling_now = asyncio.Lock()
        self._lines: list[str] = []
        self._kept = 0

    async def progress(self, note: str, share: float | None = None) -> None:
        """Keeps and shows how far the step is, once a second at most.

        That it can't be told just now is no reason to end the work, so it is only logged.
        """
        if self._is_due():
            await self._tell(note, share)

    async def output(self, text: str) -> None:
        """Keeps whole lines that the work has written, and shows the last, once a second."""
        if self._kept > MOST_KEPT:
            return
        self._kept += len(text)
        self._lines.append(text.rstrip("\n"))
        if self._kept > MOST_KEPT:
            self._lines.append("[The rest is not kept: there is too much of it.]")
        if self._is_due():
            await self._tell(None, None)

    @contextlib.asynccontextmanager
    async def kept_current(self) -> AsyncIterator[None]:
        """Shows, inside the block, also a step that says nothing, and keeps its last lines."""

        async def look() -> None:
            while True:
                await asyncio.sleep(QUIET_INTERVAL)
                if self._is_due():
                    await self._tell(None, None)

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            await end([looking])

    async def flush(self) -> None:
        """Keeps what was not kept yet, also where that takes until the database is back."""
        if self._lines:
            await self._tell(None, None, limit=None)

    def _is_due(self) -> bool:
        if time.monotonic() - self._told < PROGRESS_INTERVAL:
            return False
        self._told = time.monotonic()
        return True

    async def _tell(
        self, note: str | None, share: float | None, *, limit: timedelta | None = TELL_LIMIT
    ) -> None:
        """One at a time, so that each line is kept once."""
        if limit and self._telling_now.locked():
            return
        async with self._telling_now:
            await self._tell_now(note, share, limit)

    async def _tell_now(
        self, note: str | None, share: float | None, limit: timedelta | None
    ) -> None:
        number, position = self.operation.id, self.step.position
        kept = len(self._lines)
        try:
            async with self._database.transaction(timeout=limit) as tx:
                if note is not None:
                    await step_store.tell_progress(tx, number, position, note, share)
                await self._write(tx, self._lines[:kept])
                await self._telling.show(tx, number)
            del self._lines[:kept]
        except (OpsbellError, psycopg.Error) as error:
            logger.warning("progress not told", extra={"error": str(error)})

    async def _write(self, tx: Transaction, new: list[str]) -> None:
        if not new:
            return
        try:
            lines = self._redact(self.operation.plan.target, "\n".join(new))
        except Unavailable as error:
            lines = f"[Not shown, since its secrets cannot be known: {error.message}]"
        await output_store.add(tx, self.operation.id, self.step.position, lines)
