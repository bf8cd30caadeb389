"""Where faults meet requests: before the work is done, and before its answer goes out."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.playground.errors import JSON
from bot.playground.faults import Fault, Faults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultGate:
    """Lets faults strike requests by the name of what is asked for."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let go of the requests that faults hold back."""
        self._closing.set()

    def guard(self, name: str, handler: Handler) -> Handler:
        """The handler with faults struck by `name` before and after it."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            fault = self.strike(name)
            refusal = await self.suffer(fault) if fault else None
            response = refusal or await handler(request)
            return self.cut(request) if loses_answer(fault) else response

        return guarded

    def strike(self, name: str) -> Fault | None:
        """The fault for this request, used up once."""
        return self._faults.strike(name)

    async def suffer(self, fault: Fault) -> web.Response | None:
        """Wait as long as the fault says and give its answer; None if the work is to be done."""
        if fault.kind == "slow":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), fault.seconds)
        elif fault.kind == "silent":
            await self._closing.wait()
            return web.Response(status=503)
        elif fault.kind == "rate_limited":
            return rate_limited(math.ceil(fault.seconds))
        elif fault.kind == "server_error":
            return web.Response(status=fault.status, text="upstream connect error")
        elif fault.kind == "error":
            return web.json_response({"ok": False, "error": fault.code})
        return None

    def cut(self, request: web.Request) -> web.StreamResponse:
        """Cut the connection instead of answering."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def loses_answer(fault: Fault | None) -> bool:
    """Whether the work is done and its answer is lost."""
    return fault is not None and fault.kind == "lose_answer"


def rate_limited(seconds: int) -> web.Response:
    """Slack's 429, which says when to come again."""
    body: JSON = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})
