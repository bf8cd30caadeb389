"""The local Slack: its HTTP server, and what tests hold in their hands."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Sequence

from aiohttp import web

from bot.playground.backend import Backend
from bot.playground.changes import Changes
from bot.playground.delivery import Delivery, Dispatcher
from bot.playground.endpoints import Endpoints
from bot.playground.fault_gate import FaultGate
from bot.playground.faults import Faults
from bot.playground.files import File
from bot.playground.http_delivery import HttpDelivery
from bot.playground.message import Message
from bot.playground.people import ActingPerson
from bot.playground.rate_limits import RateLimits
from bot.playground.slash_commands import SlashCommand, by_name
from bot.playground.sockets import SocketMode
from bot.playground.web_api import Call, WebApi
from bot.playground.workspace import Channel, Workspace

MAX_BODY = 1 << 30  # bytes; Slack takes files up to 1 GB
Where = Callable[[Message], bool]


class LocalSlack:
    """One workspace served on this machine, entered with `async with`.

    `commands` are the registered slash commands, a name being enough (None: any). With
    `request_url`, payloads are posted there, else they go over Socket Mode. `clock` gives epoch
    seconds for everything that expires. `retry_delays` are the seconds before each repetition of
    an un-acked event. `remembered` is how many calls and deliveries are kept for whoever asks;
    with a number, a message keeps one earlier version alone (None: everything, as tests want it).
    """

    def __init__(
        self,
        workspace: Workspace | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        commands: Iterable[str | SlashCommand] | None = None,
        request_url: str | None = None,
        events: Iterable[str] | None = None,
        should_escape: bool = True,
        rate_limits: bool = True,
        clock: Callable[[], float] = time.time,
        ack_timeout: float = 3.0,
        retry_delays: Sequence[float] = (0.0, 60.0, 300.0),
        remembered: int | None = None,
    ) -> None:
        self.workspace = workspace or Workspace.sample()
        app, changes = self.workspace.app, Changes()
        self.faults = Faults(self)
        self.sockets = SocketMode(self.workspace, changes, ack_timeout)
        self.http = HttpDelivery(app, request_url, ack_timeout) if request_url else None
        transport = self.http or self.sockets
        dispatcher = Dispatcher(
            transport, self.faults, ack_timeout, retry_delays, remembered=remembered
        )
        self.backend = Backend(
            self.workspace,
            dispatcher,
            changes,
            clock=clock,
            commands=None if commands is None else by_name(commands),
            subscriptions=events,
            should_escape=should_escape,
            keeps_versions=remembered is None,
        )
        self._host, self._port = host, port
        self._remembered = remembered
        self._site: web.SockSite | None = None
        self._limits = RateLimits(clock) if rate_limits else None
        self._people: dict[str, ActingPerson] = {}

    async def __aenter__(self) -> LocalSlack:
        self._gate = FaultGate(self.faults)
        self._api = WebApi(self.backend, self._gate, self._limits, remembered=self._remembered)
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/api/{method}", self._api.serve)
        app.router.add_get("/link/", self.sockets.serve)
        Endpoints(self.backend, self._gate).add_to(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        self._bind()
        await self.come_back()
        self.backend.base_url = f"http://{self._host}:{self._port}/"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._gate.close()
        await self.backend.dispatcher.close()
        await self.go_away()
        self._bound.close()
        await self._runner.cleanup()
        if self.http is not None:
            await self.http.close()

    @property
    def api_url(self) -> str:
        """The base URL of the Web API."""
        return f"{self.backend.base_url}api/"

    @property
    def bot_token(self) -> str:
        return self.workspace.app.bot_token

    @property
    def app_token(self) -> str:
        return self.workspace.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.workspace.app.signing_secret

    @property
    def calls(self) -> list[Call]:
        """Every Web API call so far, in order of arrival of its answer."""
        return self._api.calls

    def calls_to(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self._api.calls if call.method == method]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver a payload to the app, in order of completion."""
        return self.backend.dispatcher.deliveries

    def person(self, reference: str) -> ActingPerson:
        """A human by user ID or handle, to act as. Raises KeyError."""
        person = self.workspace.find_person(reference)
        if person.id not in self._people:
            self._people[person.id] = ActingPerson(self.backend, person)
        return self._people[person.id]

    async def wait_connected(self, count: int = 1, timeout: float = 30) -> None:
        """Return once `count` sockets have been greeted. Raises TimeoutError."""
        await self.sockets.wait_connected(count, timeout)

    async def verify_request_url(self) -> bool:
        """Do the url_verification handshake with the app (HTTP mode)."""
        return self.http is not None and await self.http.verify_url()

    def messages(self, channel: str | Channel) -> list[Message]:
        """A channel's top-level messages, oldest first."""
        return list(self.workspace.find_channel(channel).history())[::-1]

    def replies(self, message: Message) -> list[Message]:
        """The replies below a message, oldest first."""
        return self.workspace.channels[message.channel].thread(message.ts)

    def current(self, message: Message) -> Message:
        """The version of the message that stands now. Raises KeyError if it was deleted."""
        return self.workspace.channels[message.channel].messages[message.ts]

    async def wait_for_message(
        self,
        channel: str | Channel,
        text: str | None = None,
        where: Where | None = None,
        thread: Message | None = None,
        timeout: float = 30,
    ) -> Message:
        """The newest message of the channel that fits, now or as soon as there is one.

        `text` must stand in its text or blocks, `where` must hold, and with `thread` it must be
        a reply below that message. Raises TimeoutError.
        """
        place = self.workspace.find_channel(channel)

        def fits(changed: object) -> Message | None:
            if not isinstance(changed, Message) or changed.channel != place.id:
                return None
            if changed.ephemeral_for or place.messages.get(changed.ts) is not changed:
                return None
            if thread is not None and (not changed.is_reply or changed.thread_ts != thread.ts):
                return None
            if text is not None and not changed.contains(text):
                return None
            return changed if where is None or where(changed) else None

        for message in reversed(list(place.messages.values())):
            if fits(message):
                return message
        return await self.backend.changes.wait_for(fits, timeout)

    @property
    def files(self) -> list[File]:
        """Uploaded files, oldest first."""
        return self.backend.files.complete

    def file_bytes(self, file: File | str) -> bytes:
        """What a file holds; the file by itself or its ID."""
        found = file if isinstance(file, File) else self.backend.files.find(file)
        return found.content or b""

    async def go_away(self) -> None:
        """Stop listening, cut every connection, send nothing. The port stays taken meanwhile."""
        if self.http is not None:
            self.http.is_away = True
        if self._site is not None:
            site, self._site = self._site, None
            # Before the port is let go: whoever connects next might be given it to connect from.
            self._bind(beside=self._bound)
            await site.stop()
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)
        self.backend.changes.publish(self)

    @property
    def is_away(self) -> bool:
        """Whether it stopped listening and sending (see `go_away`)."""
        return self._site is None

    async def come_back(self) -> None:
        """Listen, on the same port as before, and send again. Here already, nothing changes."""
        if self._site is not None:
            return
        # Each connection takes this on: without it, none could be outlived by a next `_bind`.
        self._bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._site = web.SockSite(self._runner, self._bound)
        await self._site.start()
        if self.http is not None:
            self.http.is_away = False
        self.backend.changes.publish(self)

    async def drop_sockets(self) -> None:
        """Cut the app's sockets without a goodbye."""
        self.sockets.drop()

    def deafen_sockets(self) -> None:
        """Send nothing but pongs over the sockets there are now."""
        self.sockets.deafen()

    def _bind(self, beside: socket.socket | None = None) -> None:
        """Take the port: nobody else gets it, and who connects is refused until it is listened on.
        `beside` is what has it so far. Raises OSError.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            for each in (beside, bound) if beside else ():
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            # Connections of a moment ago are no hindrance; what comes later finds the port taken.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self._port))
            for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
                bound.setsockopt(socket.SOL_SOCKET, option, 0)
        except OSError:
            bound.close()
            raise
        self._bound, self._port = bound, bound.getsockname()[1]
