"""Locks that a process holds for as long as it lives and its connection to PostgreSQL does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg

from bot.cancelling import end
from bot.errors import OpsbellError

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 1.0
"""Seconds between two looks whether a lock is still held."""


def lock_number(name: str) -> int:
    """The number under which PostgreSQL knows a lock's name (`clock`, `target:grandvps`).

    The upper half keeps these apart from the numbers given by hand in this package.
    """
    return 0x0B5B_0000_0000 | zlib.crc32(name.encode())


@contextlib.asynccontextmanager
async def held_lock(url: str, name: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """Waits for the named advisory lock and holds it inside the block, on its own connection.

    PostgreSQL frees it the moment the connection ends, however the process does. Whoever must
    know that it is still held uses the connection. Raises psycopg.OperationalError.
    """
    connection = await _locked(url, name)
    async with connection:
        yield connection


@contextlib.asynccontextmanager
async def kept_lock(
    url: str, name: str, *, still_mine: Callable[[], Awaitable[bool]]
) -> AsyncIterator[None]:
    """The same for work that outlives an outage of the database: a lock that is lost with its
    connection is taken again as soon as the database is back.

    Somebody else may have had it in between. So `still_mine` is asked then, and where it says no,
    the task that entered the block is cancelled.
    """
    task = asyncio.current_task()
    connection = await _locked(url, name)

    async def keep() -> None:
        nonlocal connection
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            try:
                await connection.execute("select 1")
                continue
            except psycopg.Error as error:
                logger.warning("lock lost", extra={"lock": name, "error": str(error).strip()})
            mine = None
            while mine is None:
                await connection.close()
                try:
                    connection = await _locked(url, name)
                    mine = await still_mine()
                except (psycopg.Error, OSError, OpsbellError):
                    await asyncio.sleep(LOOK_INTERVAL)
            logger.warning("lock taken again", extra={"lock": name, "mine": mine})
            if not mine and task is not None:
                task.cancel()
                return

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        await end([keeping])
        await connection.close()


async def _locked(url: str, name: str) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    try:
        await connection.execute("select pg_advisory_lock(%s)", (lock_number(name),))
    except BaseException:
        await connection.close()
        raise
    return connection
