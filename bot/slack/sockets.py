"""Socket Mode: the connections over which Slack sends payloads and gets its acks.

Two are kept up, so that one that breaks leaves no gap; a payload that comes over both acts once,
because requests have keys. A connection is never repaired: a new one, with a new ticket, takes
its place before it is left (slack_sdk's own client closes before it dials, and retries a dead
ticket for ever). Its last payloads are still read and are acked over another connection, which
Slack allows.

A socket can go deaf: it answers pings and gets no payloads any more. Silence alone proves nothing
in a quiet workspace, and Slack offers no question whose answer would come as a payload without
being seen by people. But in silence a new connection costs one cheap call, so a socket that was
silent for SILENCE is replaced; in a busy workspace the payloads themselves prove the hearing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import struct
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OpsbellError
from bot.slack.client import (
    RateLimited,
    SlackAway,
    impatient,
    proxy_for,
    slack_errors,
)
from bot.slack.installation import APP, Misinstalled, refusals
from bot.slack.tasks import Tasks

logger = logging.getLogger(__name__)

SOCKETS = 2
SILENCE = timedelta(seconds=45)
# Within a minute a deaf socket's successor hears: SILENCE and this make less.
OPEN_LIMIT = timedelta(seconds=10)
GOODBYE_LIMIT = timedelta(seconds=10)
HEARTBEAT = timedelta(seconds=10)
FIRST_PAUSE = timedelta(seconds=0.25)
LONGEST_PAUSE = timedelta(seconds=5)
# Whoever is sent away sooner than this comes back more and more slowly.
SHORT_LIFE = timedelta(seconds=10)
# Slack cuts a connection over which a frame of 20 KiB or more comes, or drops the frame silently.
FRAME_LIMIT = 20_000

Ack = Mapping[str, Any]
# The ack of a payload, {} for an empty one; None leaves it to be delivered again.
Receive = Callable[[Mapping[str, Any]], Awaitable[Ack | None]]


class Sockets:
    """Keeps sockets up. `run` is entered once, and runs until cancelled.

    It raises Misinstalled where Slack says before the first socket that there will be none; once
    there was one, it goes on trying, for the settings may be put right again.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        app_token: str,
        receive: Receive,
        tasks: Tasks,
        *,
        count: int = SOCKETS,
        silence: timedelta = SILENCE,
    ) -> None:
        # Repetition is decided here: within the limit of one attempt nobody waits out others.
        self._client = impatient(client)
        self._session = session
        self._app_token = app_token
        self._receive = receive
        self._tasks = tasks
        self._count = count
        self._silence = silence
        self._up: list[_Socket] = []
        self._was_up = False
        self._troubles: dict[int, str] = {}

    @property
    def trouble(self) -> str:
        """What keeps a socket from opening, "" if nothing."""
        return next(iter(self._troubles.values()), "")

    @property
    def connected(self) -> int:
        """How many sockets are up."""
        return len(self._up)

    async def run(self) -> None:
        """Keeps the sockets up."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._count):
                    group.create_task(self._keep_one(number))
        finally:
            for socket in list(self._up):
                self._tasks.start(socket.leave(), "leave socket")

    async def _keep_one(self, number: int) -> None:
        socket = await self._open_next(number)
        pause = 0.0
        while True:
            reason = await socket.replaceable(self._silence)
            logger.info("socket to be replaced", extra={"reason": reason})
            is_short = socket.age < min(SHORT_LIFE, self._silence).total_seconds()
            pause = _longer(pause) if is_short else 0.0
            if pause:
                ends = f"Slack ends connections as soon as they are made: {reason}."
                self._troubles[number] = ends
                await asyncio.sleep(pause)
            last, socket = socket, await self._open_next(number)
            self._tasks.start(last.leave(), "leave socket")

    async def _open_next(self, number: int) -> _Socket:
        pause = 0.0
        while True:
            try:
                socket = await self._open()
            except (OpsbellError, aiohttp.ClientError, OSError) as error:
                if isinstance(error, Misinstalled) and not self._was_up:
                    raise
                self._troubles[number] = str(error).strip() or type(error).__name__
                logger.warning("socket not opened", extra={"error": self._troubles[number]})
                pause = _longer(pause)
                await asyncio.sleep(error.retry_after if isinstance(error, RateLimited) else pause)
            else:
                self._troubles.pop(number, None)
                return socket

    async def _open(self) -> _Socket:
        with refusals(APP, self._app_token), slack_errors("the opening of a connection"):
            async with asyncio.timeout(OPEN_LIMIT.total_seconds()):
                connection = await self._connect()
        self._was_up = True
        socket = _Socket(connection)
        self._up.append(socket)
        self._tasks.start(self._listen(socket), "listen to Slack")
        return socket

    async def _connect(self) -> ClientWebSocketResponse:
        answer = await self._client.apps_connections_open(app_token=self._app_token)
        url = str(answer["url"])
        connection = await self._session.ws_connect(
            url, heartbeat=HEARTBEAT.total_seconds(), proxy=proxy_for(url)
        )
        try:
            await _greeted(connection)
        except BaseException:
            # Saying goodbye may take long where nobody greets.
            self._tasks.start(_close(connection), "close socket")
            raise
        return connection

    async def _listen(self, socket: _Socket) -> None:
        try:
            async with contextlib.aclosing(socket.envelopes()) as envelopes:
                async for envelope in envelopes:
                    self._tasks.start(self._answer(socket, envelope), "payload")
        finally:
            self._up.remove(socket)

    async def _answer(self, socket: _Socket, envelope: Mapping[str, Any]) -> None:
        ack = await self._receive(envelope["payload"])
        if ack is None:
            return
        frame = _frame(envelope["envelope_id"], ack)
        # Slack takes an ack over any connection; the one it came over may be gone by now.
        for each in (socket, *(other for other in reversed(self._up) if other is not socket)):
            if await each.send(frame):
                return
        logger.warning("ack not sent", extra={"envelope": envelope["envelope_id"]})


class _Socket:
    """One connection, from Slack's hello to its end."""

    def __init__(self, connection: ClientWebSocketResponse) -> None:
        self._opened_at = self.heard_at = time.monotonic()
        self._connection = connection
        self._leaving = False
        self._ended = asyncio.Event()
        self._to_be_replaced = asyncio.Event()
        self._reason = "closed"

    @property
    def age(self) -> float:
        """Seconds since Slack's hello."""
        return time.monotonic() - self._opened_at

    async def envelopes(self) -> AsyncGenerator[Mapping[str, Any], None]:
        """The payloads that come, until the connection ends."""
        try:
            async for frame in self._connection:
                if frame.type is not WSMsgType.TEXT:
                    continue
                message = json.loads(frame.data)
                if message.get("type") == "disconnect":
                    self._reason = str(message.get("reason", ""))
                    self._to_be_replaced.set()
                elif "envelope_id" in message:
                    self.heard_at = time.monotonic()
                    yield message
        finally:
            self._to_be_replaced.set()
            self._ended.set()
            # Also where the reading itself was ended, which leaves the connection open.
            await self._connection.close()

    async def replaceable(self, silence: timedelta) -> str:
        """Waits until another connection should take its place; why."""
        while (left := self.heard_at + silence.total_seconds() - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._to_be_replaced.wait()
                    return self._reason
        return "silent"

    async def send(self, frame: str) -> bool:
        """Sends an ack; False where the connection is on its way out."""
        if self._leaving or self._connection.closed:
            return False
        try:
            await self._connection.send_str(frame)
        except (ConnectionError, aiohttp.ClientError):
            return False
        return True

    async def leave(self) -> None:
        """Says goodbye and waits until Slack has said it too.

        What Slack sent before it read the goodbye still comes through `envelopes`; aiohttp's own
        `close` would throw it away.
        """
        self._leaving = True
        with contextlib.suppress(ConnectionError, aiohttp.ClientError, TimeoutError):
            await self._connection.send_frame(struct.pack("!H", WSCloseCode.OK), WSMsgType.CLOSE)
            async with asyncio.timeout(GOODBYE_LIMIT.total_seconds()):
                await self._ended.wait()
        await self._connection.close()


async def _close(connection: ClientWebSocketResponse) -> None:
    await connection.close()


def _longer(pause: float) -> float:
    """The pause after this one, in seconds: each twice as long, up to the longest."""
    return min(LONGEST_PAUSE.total_seconds(), pause * 2 or FIRST_PAUSE.total_seconds())


async def _greeted(connection: ClientWebSocketResponse) -> None:
    """Waits for the hello. Raises SlackAway for anything else, such as a refusal, and
    Misinstalled where Socket Mode is off."""
    frame = await connection.receive()
    message = json.loads(frame.data) if frame.type is WSMsgType.TEXT else {}
    if message.get("type") != "hello":
        reason = message.get("reason") or frame.type.name.lower()
        if reason == "link_disabled":
            raise Misinstalled(
                "Socket Mode is off for this Slack app.",
                hint="Turn it on under Socket Mode in the app's settings, or use slack.mode: http.",
            )
        raise SlackAway(f"Slack did not greet the connection: {reason}.")


def _frame(envelope_id: str, ack: Ack) -> str:
    frame = json.dumps({"envelope_id": envelope_id} | ({"payload": ack} if ack else {}))
    if len(frame) < FRAME_LIMIT:
        return frame
    # An empty ack is better than none: the request is taken, only its words are too many.
    logger.error("ack too large", extra={"envelope": envelope_id, "bytes": len(frame)})
    return json.dumps({"envelope_id": envelope_id})
