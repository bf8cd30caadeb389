"""Locks that a process holds for as long as it lives and its connection to PostgreSQL does."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import AsyncIterator

import psycopg


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
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("select pg_advisory_lock(%s)", (lock_number(name),))
        yield connection
