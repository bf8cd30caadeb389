"""The Web API's front: faults, tokens, limits and scopes, then the method itself."""

from __future__ import annotations

import time
from collections.abc import Set
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web

from bot.playground.api import chat, conversations, extras, files, people, reads, session, views
from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.fault_gate import FaultGate, loses_answer, rate_limited
from bot.playground.faults import Fault
from bot.playground.rate_limits import RateLimits
from bot.playground.remembered import Remembered
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


@dataclass(frozen=True)
class Granted:
    """Whose a token is (`bot` or `app`), and what it was granted."""

    kind: str
    scopes: Set[str]


class WebApi:
    """Answers requests to /api/METHOD and remembers the last `remembered`, or all of them."""

    def __init__(
        self,
        backend: Backend,
        gate: FaultGate,
        limits: RateLimits | None,
        *,
        remembered: int | None = None,
    ) -> None:
        self.calls: list[Call] = Remembered(remembered)
        self._backend = backend
        self._gate = gate
        self._limits = limits

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One request from its arguments to its answer."""
        name = request.match_info["method"]
        at = time.monotonic()
        try:
            args = await read_args(request)
        except SlackError as refusal:
            self._note(name, Args({}), at, 200, refusal.code)
            return self._json(refusal.body(), "")
        fault = self._gate.strike(name)
        if fault is not None:
            if fault.kind == "silent":
                self._note(name, args, at, 0, None)
            struck = await self._gate.suffer(fault)
            if struck is not None:
                self._note_struck(name, args, at, fault)
                return struck
        try:
            body = self._call(name, args)
        except RateLimited as limit:
            self._note(name, args, at, 429, "ratelimited")
            return rate_limited(limit.seconds)
        is_lost = loses_answer(fault)
        self._note(name, args, at, 0 if is_lost else 200, body.get("error"))
        return (
            self._gate.cut(request)
            if is_lost
            else self._json(body, str(args.values.get("token", "")))
        )

    def _call(self, name: str, args: Args) -> JSON:
        try:
            method = _method(name)
            self._check_token(method, args)
            if self._limits is not None:
                wait = self._limits.check(name, method.tier, str(args.values.get("channel", "")))
                if wait:
                    raise RateLimited(wait)
            if method.scopes:
                self._backend.need_scope(*method.scopes)
            return {"ok": True, **method.handler(self._backend, args)}
        except SlackError as refusal:
            return refusal.body()

    def _check_token(self, method: Method, args: Args) -> None:
        if method.caller == "anyone":
            return
        token = args.text("token")
        if not token:
            raise SlackError("not_authed")
        if dead := self._backend.workspace.app.dead_tokens.get(token):
            raise SlackError(dead)
        granted = self._tokens().get(token)
        if granted is None:
            raise SlackError("invalid_auth")
        if granted.kind != method.caller:
            raise SlackError("not_allowed_token_type")

    def _tokens(self) -> dict[str, Granted]:
        """Every token that Slack takes. Other apps' bots are not installed here."""
        workspace = self._backend.workspace
        tokens = {
            app.app_token: Granted("app", app.app_scopes)
            for app in (*workspace.other_apps, workspace.app)
        }
        return {**tokens, workspace.app.bot_token: Granted("bot", workspace.app.scopes)}

    def _json(self, body: JSON, token: str) -> web.Response:
        """An answer as Slack heads it: with its own time, and the scopes of a token it knows."""
        headers = {"Date": formatdate(self._backend.clock(), usegmt=True)}
        if token in self._tokens():
            headers["x-oauth-scopes"] = ",".join(sorted(self._tokens()[token].scopes))
        return web.json_response(body, headers=headers)

    def _note_struck(self, name: str, args: Args, at: float, fault: Fault) -> None:
        if fault.kind != "silent":
            code = "ratelimited" if fault.kind == "rate_limited" else fault.code or None
            self._note(name, args, at, fault.status, code)

    def _note(self, name: str, args: Args, at: float, status: int, error: str | None) -> None:
        shown = {key: value for key, value in args.values.items() if key != "token"}
        self.calls.append(Call(name, shown, at, status, error))


class RateLimited(Exception):
    """One call too many; `seconds` until the next one."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _method(name: str) -> Method:
    if name not in METHODS:
        raise SlackError("unknown_method")
    return METHODS[name]
