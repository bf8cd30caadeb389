"""An app on Socket Mode that notes every interaction and answers as the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot.playground import LocalSlack
from tests.playground.helpers import JSON, RawApp, ack, frame


class App:
    """`answer` gives an ack's payload (None: a bare ack); with `is_silent` nothing is acked."""

    def __init__(self) -> None:
        self.answer: Callable[[JSON], Any] = lambda _payload: None
        self.is_silent = False
        self.held: asyncio.Event | None = None
        self._heard: asyncio.Queue[JSON] = asyncio.Queue()

    async def heard(self, timeout: float = 30) -> JSON:
        """The next interaction. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._heard.get()

    @property
    def heard_nothing(self) -> bool:
        """Whether every interaction so far was asked for by `heard`."""
        return self._heard.empty()

    async def serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Answer until cancelled."""
        while True:
            envelope = await frame(socket, timeout=3600)
            if envelope["type"] == "interactive":
                self._heard.put_nowait(envelope["payload"])
            if self.held is not None:
                await self.held.wait()
            if not self.is_silent:
                await ack(socket, envelope, self.answer(envelope["payload"]))


@asynccontextmanager
async def running_app(slack: LocalSlack) -> AsyncIterator[App]:
    """An app that is connected."""
    app = App()
    async with aiohttp.ClientSession() as session:
        raw = RawApp(slack, session)
        serving = asyncio.create_task(app.serve(await raw.connected()))
        try:
            yield app
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await raw.close()


def essence(payload: JSON) -> JSON:
    """An interaction without what differs between any two: stamps, triggers, and the surface."""
    kept = {
        key: value
        for key, value in payload.items()
        if key not in ("trigger_id", "response_url", "container", "message", "view", "hash")
    }
    for action in kept.get("actions", ()):
        del action["action_ts"]
    return kept
