"""The connection by which the inbox takes entries in: one statement for all that wait."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from bot.store.queue import Lane

JOB = "request"
LANE = Lane.REQUESTS

# A key that is there already gets no second job: it was taken before.
_TAKE = """
with asked as (
    select * from unnest(%(keys)s::text[], %(twins)s::text[], %(locks)s::text[],
        %(arguments)s::jsonb[], %(until)s::timestamptz[])
        with ordinality as a (key, twin, lock, arguments, until, n)
    where clock_timestamp() < until
), new as (
    insert into inbox (key, twin) select key, twin from asked on conflict do nothing returning key
), jobs as (
    select procrastinate_defer_jobs_v1(array_agg(
        row(%(lane)s::varchar, %(job)s::varchar, 0, lock, null, arguments, null)
        ::procrastinate_job_to_defer_v1 order by n)) as ids
    from asked join new using (key)
)
select array(select key from asked) as taken, (select ids from jobs)
"""


@dataclass(frozen=True)
class Entry:
    """One thing asked for: `arguments` go to its job, entries with one lock are done in order.

    `twin` is the same for entries that are one if they come within DOUBLE_CLICK; "" for none.
    """

    key: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    lock: str | None = None
    twin: str = ""


class InboxLine:
    """Connected when first used, and again after an error; each time limit is kept though the
    server does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._clock_ahead = timedelta()

    async def take(self, entries: Sequence[tuple[Entry, datetime]], until: datetime) -> set[str]:
        """Commits entries, each until its time; the keys that are committed now or were before.

        Raises psycopg.Error or OSError, by `until` at the latest.
        """
        left = (until - datetime.now(UTC)).total_seconds()
        connection = self._connection or await self._connect(left)
        overdue = asyncio.get_running_loop().call_later(left, _cut, connection)
        try:
            cursor = await connection.execute(
                _TAKE,
                {
                    "keys": [entry.key for entry, _ in entries],
                    "twins": [entry.twin for entry, _ in entries],
                    "locks": [entry.lock for entry, _ in entries],
                    "arguments": [Jsonb(dict(entry.arguments)) for entry, _ in entries],
                    "until": [until + self._clock_ahead for _, until in entries],
                    "lane": LANE.value,
                    "job": JOB,
                },
                prepare=True,
            )
            return set((await cursor.fetchall())[0][0])
        finally:
            overdue.cancel()

    async def close(self) -> None:
        """Ends the connection, if there is one."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def _connect(self, seconds: float) -> psycopg.AsyncConnection[TupleRow]:
        async with asyncio.timeout(seconds):
            connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, application_name="opsbell inbox"
            )
        self._connection = connection
        overdue = asyncio.get_running_loop().call_later(seconds, _cut, connection)
        try:
            cursor = await connection.execute("select clock_timestamp()")
            # The answer's way counts as if the clock were behind: entries lapse early, never late.
            self._clock_ahead = (await cursor.fetchall())[0][0] - datetime.now(UTC)
        finally:
            overdue.cancel()
        return connection


def _cut(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    """Ends a connection whose server does not answer.

    Cancelling psycopg's own wait would first ask that server, for seconds, to stop the query.
    """
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as copy,
    ):
        copy.shutdown(socket.SHUT_RDWR)
