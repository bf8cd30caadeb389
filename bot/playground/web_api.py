"""The Web API's front: tokens, scopes, limits and faults, then the method itself."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from dataclasses import dataclass

from aiohttp import web

from bot.playground.api import chat, conversations, extras, files, people, reads, session, views
from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.faults import Fault, Faults
from bot.playground.rate_limits import RateLimits
from bot.playground.wire import Args, read_args

_FAMILIES = (chat, conversations, extras, files, people, reads, session, views)
METHODS: dict[str, Method] = {
    method.name: method for family in _FAMILIES for method in family.METHODS
}


@dataclass(frozen=True)
class Call:
    """One Web API call: `at` is monotonic seconds, `error` is None for an ok answer.

    `status` is 0 where the caller got no answer at all.
    """

    method: str
    args: JSON
    at: float
    status: int
    error: str | None


class WebApi:
    """Answers requests to /api/METHOD and remembers every one of them."""

    def __init__(self, backend: Backend, faults: Faults, limits: RateLimits | None) -> None:
        self.calls: list[Call] = []
        self._backend = backend
        self._faults = faults
        self._limits = limits
        self._closing = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One request from its arguments to its answer."""
        name = request.match_info["method"]
        at = time.monotonic()
        try:
            args = await read_args(request)
        except SlackError as refusal:
            return self._answer(name, Args({}), at, 200, refusal.body())
        fault = self._faults.strike(name)
        if fault is not None:
            refusal_answer = await self._suffer(fault, name, args, at)
            if refusal_answer is not None:
                return refusal_answer
        status, body = self._call(name, args)
        if fault is not None and fault.kind == "lose_answer":
            self._note(name, args, at, 0, body.get("error"))
            return self._cut(request)
        return self._answer(name, args, at, status, body)

    def close(self) -> None:
        """Let go of the calls that faults hold back."""
        self._closing.set()

    async def _suffer(
        self, fault: Fault, name: str, args: Args, at: float
    ) -> web.StreamResponse | None:
        """Let the fault do its harm; None if the call goes on after it."""
        if fault.kind == "slow":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), fault.seconds)
        elif fault.kind == "silent":
            self._note(name, args, at, 0, None)
            await self._closing.wait()
        elif fault.kind == "rate_limited":
            return self._answer(name, args, at, 429, _ratelimited(math.ceil(fault.seconds)))
        elif fault.kind == "server_error":
            self._note(name, args, at, fault.status, None)
            return web.Response(status=fault.status, text="upstream connect error")
        elif fault.kind == "error":
            return self._answer(name, args, at, 200, {"ok": False, "error": fault.code})
        return None

    def _call(self, name: str, args: Args) -> tuple[int, JSON]:
        try:
            method = _method(name)
            self._check_token(method, args)
            if self._limits is not None:
                wait = self._limits.check(name, method.tier, str(args.values.get("channel", "")))
                if wait:
                    return 429, _ratelimited(wait)
            if method.scopes:
                self._backend.need_scope(*method.scopes)
            return 200, {"ok": True, **method.handler(self._backend, args)}
        except SlackError as refusal:
            return 200, refusal.body()

    def _check_token(self, method: Method, args: Args) -> None:
        if method.caller == "anyone":
            return
        app = self._backend.workspace.app
        kinds = {app.bot_token: "bot", app.app_token: "app"}
        token = args.text("token")
        if not token:
            raise SlackError("not_authed")
        if token not in kinds:
            raise SlackError("invalid_auth")
        if kinds[token] != method.caller:
            raise SlackError("not_allowed_token_type")

    def _answer(
        self, name: str, args: Args, at: float, status: int, body: JSON
    ) -> web.StreamResponse:
        self._note(name, args, at, status, body.get("error"))
        headers = {"x-oauth-scopes": ",".join(sorted(self._backend.workspace.app.scopes))}
        if status == 429:
            headers["Retry-After"] = str(body.pop("retry_after"))
        return web.json_response(body, status=status, headers=headers)

    def _note(self, name: str, args: Args, at: float, status: int, error: str | None) -> None:
        shown = {key: value for key, value in args.values.items() if key != "token"}
        self.calls.append(Call(name, shown, at, status, error))

    def _cut(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _method(name: str) -> Method:
    if name not in METHODS:
        raise SlackError("unknown_method")
    return METHODS[name]


def _ratelimited(seconds: int) -> JSON:
    return {"ok": False, "error": "ratelimited", "retry_after": seconds}
