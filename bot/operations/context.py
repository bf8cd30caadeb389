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
"""How long a database is waited for that is to be told of progress."""

LEFT_ALONE = 10.0
"""Seconds that a database is left alone that could not be told."""

_END_LIMIT = 10.0
"""Seconds that a step waits at its end for the last of what it says of itself."""

MOST_KEPT = 4 * 1024 * 1024
"""Characters of output that one step keeps; work that writes more than that repeats itself."""

Redact = Callable[[str, str], str]
"""A target's text without its secrets: name, whole lines → the lines. May raise Unavailable."""


class Context:
    """See `bot.operations.model.StepContext`.

    Inside `kept_current`, a task of its own tells what the work says: the work never waits for
    that, so it is no slower while Opsbell's own database is away.
    """

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
        self._tell_next = 0.0
        self._telling_now = asyncio.Lock()
        self._is_told = True
        self._teller: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_over = False
        self._said: tuple[str, float | None] | None = None
        self._lines: list[str] = []
        self._kept = 0

    async def progress(self, note: str, share: float | None = None) -> None:
        """Keeps and shows how far the step is, once a second at most.

        That it can't be told just now is no reason to end the work, so it is only logged.
        """
        self._said = note, share
        await self._tell_soon()

    async def output(self, text: str) -> None:
        """Keeps whole lines that the work has written, and shows the last, once a second."""
        if self._kept > MOST_KEPT:
            return
        self._kept += len(text)
        self._lines.append(text.rstrip("\n"))
        if self._kept > MOST_KEPT:
            self._lines.append("[The rest is not kept: there is too much of it.]")
        await self._tell_soon()

    @contextlib.asynccontextmanager
    async def kept_current(self) -> AsyncIterator[None]:
        """Shows, inside the block, also a step that says nothing, and keeps its last lines."""

        self._teller = asyncio.create_task(self._keep_telling())
        try:
            yield
        finally:
            self._is_over = True
            self._wake.set()
            try:
                # One that is cut off in the middle may have kept lines that it would keep again.
                await asyncio.wait({self._teller}, timeout=_END_LIMIT)
            finally:
                await end([self._teller])
                self._teller = None

    async def flush(self) -> None:
        """Keeps what was not kept yet, also where that takes until the database is back."""
        if self._lines:
            await self._tell(limit=None)

    async def _keep_telling(self) -> None:
        while not self._is_over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUIET_INTERVAL):
                    await self._wake.wait()
            self._wake.clear()
            if self._is_due() and (self._said or self._lines or not self._is_over):
                await self._tell()

    async def _tell_soon(self) -> None:
        if not self._is_due():
            return
        if self._teller:
            self._wake.set()
        else:
            await self._tell()

    def _is_due(self) -> bool:
        return time.monotonic() >= self._tell_next

    async def _tell(self, *, limit: timedelta | None = TELL_LIMIT) -> None:
        """One at a time, so that each line is kept once."""
        if limit and self._telling_now.locked():
            return
        async with self._telling_now:
            await self._tell_now(limit)

    async def _tell_now(self, limit: timedelta | None) -> None:
        number, position = self.operation.id, self.step.position
        kept, said = len(self._lines), self._said
        try:
            async with self._database.transaction(timeout=limit) as tx:
                if said is not None:
                    await step_store.tell_progress(tx, number, position, *said)
                await self._write(tx, self._lines[:kept])
                await self._telling.show(tx, number)
        except (OpsbellError, psycopg.Error) as error:
            if self._is_told:  # once in an outage
                logger.warning("progress not told", extra={"error": str(error)})
            self._is_told = False
            self._tell_next = time.monotonic() + LEFT_ALONE
        else:
            del self._lines[:kept]
            self._said = None if self._said is said else self._said
            self._is_told = True
            self._tell_next = time.monotonic() + PROGRESS_INTERVAL

    async def _write(self, tx: Transaction, new: list[str]) -> None:
        if not new:
            return
        try:
            lines = self._redact(self.operation.plan.target, "\n".join(new))
        except Unavailable as error:
            lines = f"[Not shown, since its secrets cannot be known: {error.message}]"
        await output_store.add(tx, self.operation.id, self.step.position, lines)
