"""A modal that opens within its trigger's time, whatever has to be asked first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

from bot.cancelling import end
from bot.errors import OpsbellError
from bot.slack import blocks
from bot.slack.message import Message
from bot.slack.surface import Modals, Request

# Of a trigger's three seconds; the others are for the way there.
OPENS_BY = timedelta(seconds=1)


class Window:
    """The modals of one request whose first one must not come late.

    What takes longer than `OPENS_BY` is waited for in a modal that says so and is then filled.
    """

    def __init__(self, modals: Modals, request: Request, title: str) -> None:
        self._modals, self._request, self._title = modals, request, title
        self._busy = asyncio.Lock()
        self._is_opened = False
        self._waiting = ""

    async def open(self, request: Request, view: Mapping[str, Any]) -> str:
        """Shows a modal, in place of the waiting one if there is one; its view ID."""
        async with self._busy:
            self._is_opened = True
            if not self._waiting:
                return await self._modals.open(request, view)
            await self._modals.update(self._waiting, view)
            return self._waiting

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        """As the modals that it stands for."""
        await self._modals.update(view_id, view)

    async def tell(self, message: Message) -> bool:
        """Says in the waiting modal why nothing comes; False where none is open."""
        async with self._busy:
            if self._is_opened or not self._waiting:
                return False
            shown = message.blocks or [blocks.section(message.text)]
            await self._modals.update(self._waiting, blocks.modal("told", self._title, shown))
            return True

    async def wait(self) -> None:
        """Opens the waiting modal when it is time, unless another has been opened by then."""
        await asyncio.sleep(OPENS_BY.total_seconds())
        async with self._busy:
            # What keeps a modal from opening is told to the person by the request itself.
            with contextlib.suppress(OpsbellError):
                if not self._is_opened:
                    looking = [blocks.section("Looking this up …")]
                    view = blocks.modal("waiting", self._title, looking)
                    self._waiting = await self._modals.open(self._request, view)


@contextlib.asynccontextmanager
async def window(modals: Modals, request: Request, title: str) -> AsyncIterator[Window]:
    """The window of a request that opens a modal called `title`; none opens without a title."""
    opened = Window(modals, request, title)
    waiting = [asyncio.create_task(opened.wait())] if title and request.trigger_id else []
    try:
        yield opened
    finally:
        await end(waiting)
