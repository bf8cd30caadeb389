"""The page's web server, in the event loop of whoever opens it, as often as wanted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cache
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from nicegui import Client, core, ui

from bot.playground.page.levers import Lever
from bot.playground.page.opened import OpenedPage, set_current_page
from bot.playground.page.routes import add_routes
from bot.playground.page.shell import show_page
from bot.playground.server import LocalSlack

FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="8" fill="#12414a"/>'
    '<path d="M7 9h18v11H15l-5 5v-5H7z" fill="#f2b84b"/></svg>'
)


@contextlib.asynccontextmanager
async def open_page(
    slack: LocalSlack,
    *,
    port: int | socket.socket,
    host: str = "127.0.0.1",
    levers: Sequence[Lever] = (),
    notes: str = "",
    read_marks: Path | None = None,
) -> AsyncIterator[str]:
    """Serve the workspace to browsers and give the page's URL.

    `levers` can be pulled in its side panel, above which `notes` (mrkdwn) stand;
    `read_marks` is a file in which who has read how far outlives the page. Port 0 takes a free
    one; a socket that listens already (see `listen`) is served on and left open. Raises
    OSError, naming the port, where it cannot be listened on, and RuntimeError where this process
    shows a page already. Open browsers do not delay the end by more than a second.
    """
    listening = port.dup() if isinstance(port, socket.socket) else listen(port, host)
    with contextlib.closing(listening):
        set_current_page(OpenedPage(slack, levers, notes, read_marks))
        try:
            async with _serving(listening):
                yield f"http://{host}:{listening.getsockname()[1]}/"
        finally:
            set_current_page(None)


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Take the port for a page that is opened later. Raises OSError, naming the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = f"port {port} on {host} cannot be listened on: {error.strerror}"
        raise OSError(error.errno, why) from error


class _Server(uvicorn.Server):
    """A server that says when it is ready and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _serving(listening: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        _application(),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not server.started:
            raise RuntimeError("the page's server did not start")
        yield
    finally:
        ready.cancel()
        server.should_exit = True
        await serving
        await _forget_browsers()


async def _forget_browsers() -> None:
    """Leave nothing of them to a page opened later."""
    for client in list(Client.instances.values()):
        client.delete()
    engine = core.sio.eio
    if engine.service_task_handle is not None:  # it began with the first browser
        await core.sio.shutdown()
        engine.start_service_task = True  # for the next page, whose loop may be another


@cache
def _application() -> FastAPI:
    """The one application of the process: NiceGUI's state is global, so it is never made twice."""
    app = FastAPI(openapi_url=None)
    add_routes(app)
    ui.page("/", response_timeout=10)(show_page)
    ui.run_with(
        app,
        title="Local Slack",
        favicon=FAVICON,
        dark=None,
        language="en-US",
        tailwind=False,
        reconnect_timeout=5,
        show_welcome_message=False,
        binding_refresh_interval=None,
    )
    return app
