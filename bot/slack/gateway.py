"""The door to Slack: one Bolt app, reached over Socket Mode or HTTP.

Both ways meet in one global middleware that acks by returning a response. A Bolt listener's ack
would be polled for every 10 ms, and an exception soon after it would erase it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import psycopg
from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.cancelling import being_cancelled, end
from bot.errors import OpsbellError
from bot.slack.dispatch import Ack, Dispatch
from bot.slack.installation import Identity, Misinstalled, identify
from bot.slack.manifest import SCOPES
from bot.slack.people import People
from bot.slack.sockets import SILENCE, Sockets
from bot.slack.tasks import Tasks
from bot.store.inbox import Inbox

logger = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(seconds=5)
DRAIN_LIMIT = timedelta(seconds=10)
TIDY_EVERY = timedelta(hours=6)


@dataclass(frozen=True)
class GatewayStatus:
    """How the connection stands. `last_payload` is its age in seconds; sockets are 0 for HTTP.

    `trouble` says what keeps Opsbell from connecting, "" if nothing.
    """

    mode: str
    ready: bool
    sockets: int
    last_payload: float | None
    trouble: str


class Gateway:
    """Lets Slack's payloads in. `run` is entered once and runs until cancelled.

    With an `app_token` over Socket Mode; else, with a `signing_secret`, through `http_handler`.
    `silence` is how long a socket may be silent before it is replaced.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        dispatch: Dispatch,
        inbox: Inbox,
        people: People,
        tasks: Tasks,
        *,
        app_token: str = "",
        signing_secret: str = "",
        silence: timedelta = SILENCE,
    ) -> None:
        self._client = client
        self._dispatch = dispatch
        self._inbox = inbox
        self._people = people
        self._tasks = tasks
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        self._sockets = (
            Sockets(client, session, app_token, self._receive, tasks, silence=silence)
            if app_token
            else None
        )
        self._app = self._bolt_app()
        self._trouble = ""
        self._heard_at: float | None = None
        self.identity: Identity | None = None

    async def run(self) -> None:
        """Connects, and connects again, until cancelled; then finishes what was begun.

        Raises Misinstalled where Slack says at the start that it will never work like this.
        """
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(work())
                for work in (self._inbox.run, self._people.run, self._forget_old)
            ]
            try:
                await self._identify()
                if self._sockets is not None:
                    await self._sockets.run()
                await asyncio.Event().wait()
            finally:
                # What is under way still needs the inbox.
                await self._tasks.drain(DRAIN_LIMIT)
                await end(helpers)

    def status(self) -> GatewayStatus:
        """How the connection stands now."""
        age = None if self._heard_at is None else time.monotonic() - self._heard_at
        known = self.identity is not None
        if self._sockets is None:
            return GatewayStatus("http", known, 0, age, self._trouble)
        up = self._sockets.connected
        trouble = self._trouble or self._sockets.trouble
        return GatewayStatus("socket", known and up > 0, up, age, trouble)

    async def http_handler(self, request: web.Request) -> web.Response:
        """`POST /slack/events`: events, commands and interactions, signed by Slack.

        The form is read here: Bolt takes a command for an interaction when its text holds the
        word "payload", and loses it.
        """
        raw = await request.read()
        if b"ssl_check=1" in raw.split(b"&"):
            return web.Response()
        if not self._is_genuine(raw, request.headers):
            return web.json_response({"error": "invalid signature"}, status=401)
        payload = _parsed(raw)
        if payload is None:
            return web.json_response({"error": "neither a JSON object nor a form"}, status=400)
        if self.identity is None and payload.get("type") != "url_verification":
            return web.json_response({"error": "still starting"}, status=503)
        ack = await self._receive(payload)
        if ack is None:
            return web.json_response({"error": "not taken"}, status=500)
        return web.json_response(ack) if ack else web.Response()

    def _is_genuine(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("X-Slack-Request-Timestamp", "")
        signature = headers.get("X-Slack-Signature", "")
        if self._verifier is None or not timestamp.isdecimal() or not signature.isascii():
            return False
        try:
            return self._verifier.is_valid(raw, timestamp, signature)
        except UnicodeDecodeError:  # of the body; Slack writes UTF-8
            return False

    def _bolt_app(self) -> AsyncApp:
        async def authorize() -> AuthorizeResult:
            """Spares Bolt an auth.test; it takes functions here, but no bound methods."""
            if self.identity is None:
                raise RuntimeError("a payload came before Opsbell knew who it is")
            return AuthorizeResult(
                enterprise_id=None,
                team_id=self.identity.team_id,
                bot_user_id=self.identity.bot_user,
                bot_id=self.identity.bot_id,
                bot_token=self._client.token,
            )

        # Bolt warns of settings and unhandled payloads, all of which are dealt with here.
        quiet = logging.getLogger("bot.slack.bolt")
        quiet.setLevel(logging.ERROR)
        app = AsyncApp(
            # The loggers that Bolt makes under its app's name get this one's level.
            name="bot.slack.bolt",
            logger=quiet,
            client=self._client,
            authorize=authorize,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
        )
        app.middleware(_Edge(self._dispatch_to))
        return app

    async def _receive(self, payload: Mapping[str, Any]) -> Ack | None:
        """What Bolt answers to a payload, whichever way it came; signatures are checked before."""
        self._heard_at = time.monotonic()
        response = await self._app.async_dispatch(
            AsyncBoltRequest(mode="socket_mode", body=dict(payload))
        )
        if response.status != 200:
            return None
        return dict(json.loads(response.body)) if response.body else {}

    async def _dispatch_to(self, payload: Mapping[str, Any]) -> Ack:
        bot_user = self.identity.bot_user if self.identity else ""
        return await self._dispatch.receive(payload, bot_user)

    async def _identify(self) -> None:
        """Asks Slack who Opsbell is, once, however long Slack is away. Raises Misinstalled."""
        pause = 0.25
        while True:
            try:
                identity = await identify(self._client)
            except Misinstalled:
                raise
            except OpsbellError as error:
                if str(error) != self._trouble:
                    # Said once: it is tried again every few seconds, for as long as it takes.
                    logger.warning("Slack not reached", extra={"error": str(error)})
                self._trouble = str(error)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE.total_seconds(), pause * 2)
            else:
                self._trouble = ""
                self.identity = identity
                if missing := SCOPES.keys() - identity.scopes:
                    logger.warning("scopes missing", extra={"scopes": ",".join(sorted(missing))})
                return

    async def _forget_old(self) -> None:
        while True:
            try:
                await self._inbox.forget_old()
            except (OpsbellError, psycopg.Error) as error:
                if being_cancelled():
                    raise asyncio.CancelledError from error
                logger.warning("inbox not tidied", extra={"error": str(error)})
            await asyncio.sleep(TIDY_EVERY.total_seconds())


class _Edge(AsyncMiddleware):
    """The one global middleware: it acks, so that no listener is ever looked for."""

    def __init__(self, receive: Callable[[Mapping[str, Any]], Awaitable[Ack]]) -> None:
        self._receive = receive

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002  # Bolt passes it by this name
    ) -> BoltResponse:
        ack = await self._receive(req.body)
        return BoltResponse(status=200, body=dict(ack) if ack else "")


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A body's payload: JSON as it is, a form's `payload` field, else the form itself.

    None for anything else.
    """
    try:
        form = {} if raw.startswith(b"{") else dict(parse_qsl(raw.decode(), keep_blank_values=True))
        if form and "payload" not in form:
            return form
        payload = json.loads(form.get("payload", raw))
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None
