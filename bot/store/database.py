"""The connection pool, and the transaction in which everything that changes state happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, LiteralString, TypeVar

import psycopg
import psycopg_pool
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from bot.errors import Unavailable
from bot.store.events import Event, EventLog

logger = logging.getLogger(__name__)

T = TypeVar("T")
Connection = psycopg.AsyncConnection[DictRow]
Parameters = Mapping[str, Any] | Sequence[Any] | None
Query = LiteralString | sql.Composed

CONNECT_TIMEOUT = timedelta(seconds=10)
POOL_SIZE = 12
QUEUE_SIZE = 8

_QUEUE_TIMEOUT = timedelta(seconds=2)
"""Short, since the queue asks again: who waits for the pool does not make it try to connect."""
_RECONNECT = timedelta(seconds=1)
"""How long the pool goes on with one try to connect. Its pauses double, so that it would notice
late that a database is back; a new try is begun for whoever asks next."""
_ASKS_AGAIN = timedelta(seconds=3)


class OwnDatabaseAway(Unavailable):
    """Opsbell's own database did not answer for as long as it was waited for."""

    def __init__(self) -> None:
        super().__init__(
            "Opsbell's own database does not answer.",
            hint="Start PostgreSQL, or look at `database` in opsbell.yaml.",
        )


AWAY = (OwnDatabaseAway, psycopg.OperationalError)
"""What is raised where Opsbell's own database cannot be asked. It says nothing of the work that
asked: how that stands is found out once the database is back."""

_PATIENCE: ContextVar[timedelta] = ContextVar("patience", default=CONNECT_TIMEOUT)
_TRIES = 3


@contextlib.contextmanager
def patient(span: timedelta) -> Iterator[None]:
    """Inside the block, and in the tasks that it starts, transactions wait this long for a
    database that is away."""
    before = _PATIENCE.set(span)
    try:
        yield
    finally:
        _PATIENCE.reset(before)


class Transaction:
    """One database transaction: state, queued jobs and events change together or not at all.

    Events recorded here are appended right before the commit, so that the short lock which
    keeps the log in one chain is the last lock taken and no deadlock can come of it.
    """

    def __init__(self, connection: Connection, log: EventLog) -> None:
        self.connection = connection
        self._log = log
        self._events: list[Event] = []

    async def execute(self, query: Query, parameters: Parameters = None) -> int:
        """Runs one statement; the number of rows it touched."""
        cursor = await self.connection.execute(query, parameters)
        return cursor.rowcount

    async def all(self, query: Query, parameters: Parameters = None) -> list[DictRow]:
        """All rows as dictionaries."""
        cursor = await self.connection.execute(query, parameters)
        return await cursor.fetchall()

    async def first(self, query: Query, parameters: Parameters = None) -> DictRow | None:
        """The first row, or None where there is none."""
        cursor = await self.connection.execute(query, parameters)
        return await cursor.fetchone()

    async def one(self, query: Query, parameters: Parameters = None) -> DictRow:
        """The first row. Raises LookupError where there is none."""
        row = await self.first(query, parameters)
        if row is None:
            raise LookupError("the query returned no row")
        return row

    def record(self, event: Event) -> None:
        """Adds an event to the log, in this transaction."""
        self._events.append(event)

    async def finish(self) -> None:
        """Appends what was recorded; called by the database right before the commit."""
        await self._log.append(self.connection, self._events)


class Database:
    """Opsbell's own PostgreSQL. Use as `async with Database(...)`.

    The queue keeps its own books through `queue_pool`, statement by statement, and never waits
    for a connection that a transaction holds.

    Raises OwnDatabaseAway from `transaction()` when PostgreSQL cannot be reached within
    CONNECT_TIMEOUT, or what `patient` says; errors inside a transaction are psycopg's own.
    """

    def __init__(self, url: str, log: EventLog, *, size: int = POOL_SIZE) -> None:
        self.url = url
        self.log = log
        self.pool: psycopg_pool.AsyncConnectionPool[Connection] = psycopg_pool.AsyncConnectionPool(
            url,
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs={
                "row_factory": dict_row,
                "application_name": "opsbell",
                # A process that is frozen in a transaction must not hold up the others for ever.
                "options": "-c idle_in_transaction_session_timeout=30s",
            },
            min_size=2,
            max_size=size,
            open=False,
            timeout=CONNECT_TIMEOUT.total_seconds(),
            reconnect_timeout=_RECONNECT.total_seconds(),
            check=psycopg_pool.AsyncConnectionPool.check_connection,
        )
        self.queue_pool = psycopg_pool.AsyncConnectionPool(
            url,
            kwargs={"application_name": "opsbell queue"},
            configure=_commit_each,
            min_size=1,
            max_size=QUEUE_SIZE,
            open=False,
            timeout=_QUEUE_TIMEOUT.total_seconds(),
            reconnect_timeout=_RECONNECT.total_seconds(),
            check=psycopg_pool.AsyncConnectionPool.check_connection,
        )

    async def __aenter__(self) -> Database:
        await self.pool.open()
        await self.queue_pool.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.queue_pool.close()
        await self.pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self, *, timeout: timedelta | None = None) -> AsyncIterator[Transaction]:
        """A transaction that commits when the block ends well and rolls back when it raises."""
        async with contextlib.AsyncExitStack() as stack:
            connection = await self._connection(stack, timeout or _PATIENCE.get())
            async with connection.transaction():
                transaction = Transaction(connection, self.log)
                yield transaction
                await transaction.finish()

    async def _connection(self, stack: contextlib.AsyncExitStack, timeout: timedelta) -> Connection:
        """A connection of the pool until the stack is left."""
        until = time.monotonic() + timeout.total_seconds()
        while True:
            left = until - time.monotonic()
            try:
                return await stack.enter_async_context(
                    self.pool.connection(timeout=min(left, _ASKS_AGAIN.total_seconds()))
                )
            except psycopg_pool.PoolTimeout as error:
                if time.monotonic() >= until:
                    raise OwnDatabaseAway from error

    async def commit(self, change: Callable[[Transaction], Awaitable[T]]) -> T:
        """What `change` returns, once it is committed in a transaction of its own.

        Where the connection breaks it is done again, so it must bear that: it may have been
        committed although that was not heard.
        """
        for left in reversed(range(_TRIES)):
            try:
                async with self.transaction() as tx:
                    return await change(tx)
            except psycopg.OperationalError as error:
                if not left:
                    raise
                logger.warning("committed once more", extra={"error": str(error).strip()})
                await asyncio.sleep(_RECONNECT.total_seconds())
        raise AssertionError("unreachable")

    async def execute(self, query: Query, parameters: Parameters = None) -> int:
        """One statement in a transaction of its own."""
        async with self.transaction() as tx:
            return await tx.execute(query, parameters)

    async def all(self, query: Query, parameters: Parameters = None) -> list[DictRow]:
        """All rows of one query."""
        async with self.transaction() as tx:
            return await tx.all(query, parameters)

    async def first(self, query: Query, parameters: Parameters = None) -> DictRow | None:
        """The first row of one query, or None."""
        async with self.transaction() as tx:
            return await tx.first(query, parameters)

    async def one(self, query: Query, parameters: Parameters = None) -> DictRow:
        """The first row of one query. Raises LookupError where there is none."""
        async with self.transaction() as tx:
            return await tx.one(query, parameters)


async def _commit_each(connection: psycopg.AsyncConnection[Any]) -> None:
    """Makes each statement a transaction of its own: one exchange with the server, not three."""
    await connection.set_autocommit(True)
