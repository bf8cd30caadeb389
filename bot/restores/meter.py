"""Progress of a load: what was read of the dump, or how far the new database has grown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from bot import words
from bot.errors import OpsbellError
from bot.restores.server import Server

_LOOK_EVERY = 3.0


class Telling(Protocol):
    """The part of a step's context that hears of progress."""

    async def progress(self, note: str, share: float | None = None) -> None:
        """See `bot.operations.model.StepContext`."""
        ...


class LoadMeter:
    """Tells a step how far a load is. `expected` are the bytes that the database will take, as far
    as that is known; `read_of` those of a script."""

    def __init__(
        self, context: Telling, *, expected: int | None = None, read_of: int | None = None
    ) -> None:
        self._context = context
        self._expected = expected
        self._read_of = read_of

    async def say(self, note: str) -> None:
        """What is being done, where no size tells it."""
        await self._context.progress(note)

    async def show(self, read: int) -> None:
        """Says that `read` bytes of a script are loaded."""
        share = min(0.99, read / self._read_of) if self._read_of else None
        await self._context.progress(f"{words.size(read)} read", share)

    @asynccontextmanager
    async def watching(self, server: Server, database: str) -> AsyncIterator[None]:
        """Tells the size of the database while the block runs."""
        watching = asyncio.create_task(self._watch(server, database))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _watch(self, server: Server, database: str) -> None:
        query = "select pg_catalog.pg_database_size(:'name'::name) as size"
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                size = int(
                    (await server.rows("Asking for the size", query, name=database))[0]["size"]
                )
            except OpsbellError:
                return  # what the load itself meets is what is told
            share = min(0.99, size / self._expected) if self._expected else None
            await self._context.progress(f"{words.size(size)} loaded", share)
