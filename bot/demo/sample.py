"""The sample GrandVPS: its database, directory, releases and web process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bot.core import running
from bot.demo import database, files, releases
from bot.demo.children import Child, kept
from bot.demo.place import Place
from bot.store.embedded import embedded_postgres
from bot.targets.environment import for_children
from bot.targets.waiting import to_the_end

logger = logging.getLogger(__name__)

GROW_EVERY = 60.0
"""Seconds between two looks at what business has gone on meanwhile."""

_POLL = 0.2
_RESTART = Path("tmp/restart.txt")


@dataclass(frozen=True)
class GrandVps:
    """The running sample. `has_releases` says whether there is a git repository to deploy from."""

    web: Child
    database_url: str
    port: int
    has_releases: bool


@contextlib.asynccontextmanager
async def grandvps(
    place: Place, tell: Callable[[str], None], *, wish: int
) -> AsyncIterator[GrandVps]:
    """The sample, made where it is not there yet, running inside the block.

    Its pages are on the port `wish`, on another one where that is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        place.database.mkdir(mode=0o700, exist_ok=True)
        # A server that is being started cannot be stopped yet.
        server = await to_the_end(stack.enter_async_context(embedded_postgres(place.database)))
        await database.make(server, tell)
        url = database.url_of(server)
        make_releases = asyncio.to_thread(releases.make, place.origin, place.site)
        has_releases = await to_the_end(make_releases)
        await to_the_end(asyncio.to_thread(_write_files, place, url))
        await database.grow(url)
        port = free_port(wish)
        web = Child(
            "GrandVPS's web process",
            ("manage.py", "runserver"),
            cwd=place.site,
            environment=for_children(os.environ) | {"PORT": str(port)},
            log=place.log("grandvps"),
            tell=tell,
        )
        await stack.enter_async_context(kept(web))
        await stack.enter_async_context(running(_restart_when_asked(place.site / _RESTART, web)))
        await stack.enter_async_context(running(_grow(url)))
        yield GrandVps(web, url, port, has_releases)


def free_port(wish: int) -> int:
    """`wish` where it is free, else another port that is."""
    for port in (wish, 0):
        with (
            contextlib.suppress(OSError, OverflowError),
            socket.create_server(("127.0.0.1", port)) as listening,
        ):
            return int(listening.getsockname()[1])
    raise OSError("no port of this machine is free")


def _write_files(place: Place, url: str) -> None:
    files.write_settings(place.site, url)
    files.write_media(place.site)
    files.write_log(place.site)


async def _restart_when_asked(file: Path, web: Child) -> None:
    """Whoever touches the file gets a new web process, as with Phusion Passenger."""
    seen = _changed(file)
    while True:
        await asyncio.sleep(_POLL)
        if (now := _changed(file)) != seen:
            seen = now
            await web.restart()


def _changed(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


async def _grow(url: str) -> None:
    while True:
        await asyncio.sleep(GROW_EVERY)
        try:
            await database.grow(url)
        except psycopg.Error as error:
            # While it is restored it is not there; business goes on when it is back.
            logger.info("GrandVPS does not grow", extra={"error": str(error)})
