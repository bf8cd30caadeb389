"""Socket Mode: connections, envelopes, and acks that may come over another connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.playground.changes import Changes
from bot.playground.delivery import Answer
from bot.playground.errors import JSON
from bot.playground.workspace import App, Workspace

MAX_CONNECTIONS = 10
FRAME_LIMIT = 20_480  # bytes; a frame of this size or more ends the connection
HOST = "applink-local"


class Connection:
    """One socket of an app. A deaf one answers pings and gets no envelopes."""

    def __init__(
        self, app: App, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        self.app = app
        self.socket = socket
        self.is_deaf = False
        self._transport = transport

    async def send(self, frame: JSON) -> None:
        """Send one frame; a connection that is just going down swallows it."""
        with contextlib.suppress(ConnectionError):
            await self.socket.send_str(json.dumps(frame))

    def abort(self) -> None:
        """Cut the connection without a closing frame."""
        if self._transport is not None:
            self._transport.abort()


class SocketMode:
    """The app's sockets as a transport for payloads.

    Its maker's other apps may connect too; none of them gets what is this app's.
    """

    def __init__(self, workspace: Workspace, changes: Changes, ack_timeout: float) -> None:
        self.connections: list[Connection] = []
        self._workspace = workspace
        self._changes = changes
        self._ack_timeout = ack_timeout
        self._pending: dict[str, asyncio.Future[Any]] = {}

    async def send(self, kind: str, payload: JSON, attempt: int, reason: str) -> Answer:
        """Deliver over a connection picked at random and wait for the ack, from wherever.

        Without a connection, an event waits for one as long as for an ack; a command or a
        click fails at once, as its person would see.
        """
        is_event = kind == "events_api"
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        envelope_id = secrets.token_hex(16)
        self._pending[envelope_id] = future
        envelope: JSON = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = not is_event
        if is_event:
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        try:
            async with asyncio.timeout(self._ack_timeout):
                connection = self._pick()
                if connection is None:
                    if not is_event:
                        return Answer(acked=False, error="dispatch_failed")
                    connection = await self._next_connection()
                if not connection.is_deaf:
                    await connection.send(envelope)
                return Answer(acked=True, body=await future)
        except TimeoutError:
            return Answer(acked=False, error="timeout" if is_event else "operation_timeout")
        finally:
            del self._pending[envelope_id]

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection of the app that the ticket is for, from its handshake to its end."""
        app = self._app_of(request.query.get("app_id", ""))
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        connection = Connection(app, socket, request.transport)
        if refusal := self._refusal(app):
            await connection.send(self._goodbye(refusal))
            await socket.close()
            return socket
        self.connections.append(connection)
        try:
            await connection.send(self._hello(app))
            self._changes.publish(connection)
            await self._listen(socket)
        finally:
            self.connections.remove(connection)
        return socket

    async def wait_connected(self, count: int, timeout: float) -> None:
        """Return once `count` connections have been greeted. Raises TimeoutError."""
        if self._hearing() < count:
            await self._changes.wait_for(
                lambda _changed: True if self._hearing() >= count else None, timeout
            )

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Send every connection a disconnect frame: warning, refresh_requested, link_disabled.

        After a warning Slack keeps the connection for some seconds; otherwise it closes it.
        """
        for connection in list(self.connections):
            await connection.send(self._goodbye(reason))
            if reason != "warning":
                await connection.socket.close()

    def drop(self) -> None:
        """Cut every connection without a closing frame."""
        for connection in self.connections:
            connection.abort()

    def deafen(self) -> None:
        """Send no more envelopes over the connections there are now."""
        for connection in self.connections:
            connection.is_deaf = True

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            if len(frame.data.encode()) >= FRAME_LIMIT:
                await socket.close(code=WSCloseCode.MESSAGE_TOO_BIG)
                return
            self._take_ack(frame.data)

    def _app_of(self, app_id: str) -> App:
        """The app with this ID; a ticket without a known one is this app's."""
        others = (each for each in self._workspace.other_apps if each.id == app_id)
        return next(others, self._workspace.app)

    def _of(self, app: App) -> list[Connection]:
        return [each for each in self.connections if each.app is app]

    def _refusal(self, app: App) -> str:
        """Why there is no greeting; "" where there is one."""
        if not app.socket_mode:
            return "link_disabled"
        return "too_many_websockets" if len(self._of(app)) >= MAX_CONNECTIONS else ""

    def _take_ack(self, text: str) -> None:
        try:
            ack = json.loads(text)
        except ValueError:
            return
        future = self._pending.get(ack.get("envelope_id", "")) if isinstance(ack, dict) else None
        if future is not None and not future.done():
            future.set_result(ack.get("payload"))

    def _pick(self) -> Connection | None:
        own = self._of(self._workspace.app)
        open_ones = [each for each in own if not each.socket.closed]
        hearing = [each for each in open_ones if not each.is_deaf]
        return random.choice(hearing or open_ones or [None])  # noqa: S311 - no secret

    async def _next_connection(self) -> Connection:
        app = self._workspace.app

        def own(changed: object) -> Connection | None:
            return changed if isinstance(changed, Connection) and changed.app is app else None

        return await self._changes.wait_for(own, self._ack_timeout)

    def _hearing(self) -> int:
        own = self._of(self._workspace.app)
        return sum(not (each.is_deaf or each.socket.closed) for each in own)

    def _hello(self, app: App) -> JSON:
        return {
            "type": "hello",
            "connection_info": {"app_id": app.id},
            "num_connections": len(self._of(app)),
            "debug_info": {
                "host": HOST,
                "build_number": 1,
                "approximate_connection_time": 3600,
            },
        }

    def _goodbye(self, reason: str) -> JSON:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}}
