"""The inbox: what was asked for is committed here, with its job, before it is acknowledged.

One statement on a connection of its own takes in everything that waits, so the time of one
commit is all that an acknowledgement costs, and a burst shares few commits.

Whoever was told "not taken" must be able to rely on it, though a statement may reach PostgreSQL
late or its answer may be lost. So each entry has a time (in PostgreSQL's clock) after which the
statement itself passes it over; and a job that starts in this process while its entry waits for
an answer settles the matter: taken if nothing was said yet, dropped if "not taken" was said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from bot.errors import Unavailable
from bot.store.database import Database, Transaction
from bot.store.queue import Lane

logger = logging.getLogger(__name__)

TIME_LIMIT = timedelta(seconds=2)
# Two clicks on one button within this time were meant as one.
DOUBLE_CLICK = timedelta(seconds=2)
# Slack delivers an event again for up to a day where "Delayed Events" is switched on.
KEPT = timedelta(days=3)
JOB = "request"
BATCH = 500
_REMEMBERED = 10_000

# A key that is there already gets no second job: it was taken before.
_TAKE = f"""
with asked as (
    select * from unnest(%(keys)s::text[], %(twins)s::text[], %(locks)s::text[],
        %(arguments)s::jsonb[], %(until)s::timestamptz[])
        with ordinality as a (key, twin, lock, arguments, until, n)
    where clock_timestamp() < until
), new as (
    insert into inbox (key, twin) select key, twin from asked on conflict do nothing returning key
), jobs as (
    select procrastinate_defer_jobs_v1(array_agg(
        row('{Lane.REQUESTS.value}', '{JOB}', 0, lock, null, arguments, null)
        ::procrastinate_job_to_defer_v1 order by n)) from asked join new using (key)
)
select array(select key from asked), (select count(*) from jobs)
"""  # noqa: S608  # made of this program's own constants


class NotTaken(Unavailable):
    """PostgreSQL did not commit the entry in time; it will not be acted on."""


@dataclass(frozen=True)
class Entry:
    """One thing asked for: `arguments` go to its job, entries with one lock are done in order."""

    key: str
    arguments: Mapping[str, Any]
    lock: str | None = None
    twin: str = ""


@dataclass
class _Waiting:
    entry: Entry
    until: datetime
    answer: asyncio.Future[None]


class Inbox:
    """Takes entries in. `run` is entered once per process."""

    def __init__(self, database: Database, *, limit: timedelta = TIME_LIMIT) -> None:
        self._database = database
        self._limit = limit
        self._waiting: dict[str, _Waiting] = {}
        self._sent: dict[str, _Waiting] = {}
        self._refused: OrderedDict[str, None] = OrderedDict()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._clock_ahead = timedelta()

    async def take(self, entry: Entry) -> None:
        """Returns once the entry is committed, now or earlier. Raises NotTaken if it is not."""
        waiting = self._waiting.get(entry.key) or self._sent.get(entry.key)
        if waiting is None:
            answer = asyncio.get_running_loop().create_future()
            waiting = _Waiting(entry, datetime.now(UTC) + self._limit, answer)
            self._waiting[entry.key] = waiting
            self._refused.pop(entry.key, None)
            self._idle.clear()
            self._arrived.set()
        done, _ = await asyncio.wait({waiting.answer}, timeout=self._limit.total_seconds())
        if not done:
            self._refuse(waiting)
        await waiting.answer

    async def claim(self, tx: Transaction, entry: Entry) -> bool:
        """Marks the entry done in the transaction that acts on it; False: not to be acted on."""
        sent = self._sent.get(entry.key)
        if sent is not None and not sent.answer.done():
            sent.answer.set_result(None)
        claimed = await tx.execute(
            "update inbox set done_at = now() where key = %s and done_at is null", (entry.key,)
        )
        if not claimed or entry.key in self._refused:
            return False
        return not entry.twin or not await self._is_double(tx, entry)

    async def quiet(self) -> None:
        """Returns when no acknowledgement waits for a commit: people's acks go before work."""
        await self._idle.wait()

    async def forget_old(self) -> int:
        """Deletes entries that cannot be delivered again any more; how many."""
        return await self._database.execute(
            "delete from inbox where received_at < now() - %s and done_at is not null", (KEPT,)
        )

    async def run(self) -> None:
        """Commits what arrives until cancelled."""
        try:
            while True:
                await self._arrived.wait()
                batch = dict(list(self._waiting.items())[:BATCH])
                for key in batch:
                    del self._waiting[key]
                self._sent |= batch
                await self._commit(list(batch.values()))
                for key in batch:
                    del self._sent[key]
                if not self._waiting:
                    self._arrived.clear()
                    self._idle.set()
        finally:
            await self._disconnect()

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Sends the batch until it is answered for, or its time is up.

        Sending it again over a new connection is safe: a key that was committed, though the
        answer was lost, is not taken in twice.
        """
        while batch := [each for each in batch if not each.answer.done()]:
            latest = max(each.until for each in batch)
            try:
                async with asyncio.timeout((latest - datetime.now(UTC)).total_seconds()):
                    taken = await self._send(batch)
            except (psycopg.Error, OSError, TimeoutError) as error:
                logger.warning("inbox not reached", extra={"error": str(error).strip()})
                await self._disconnect()
                await asyncio.sleep(0.05)
            else:
                for each in batch:
                    if each.entry.key in taken and not each.answer.done():
                        each.answer.set_result(None)
                    else:
                        self._refuse(each)
        
    async def _send(self, batch: list[_Waiting]) -> set[str]:
        connection = self._connection or await self._connect()
        cursor = await connection.execute(
            _TAKE,
            {
                "keys": [each.entry.key for each in batch],
                "twins": [each.entry.twin for each in batch],
                "locks": [each.entry.lock for each in batch],
                "arguments": [Jsonb(dict(each.entry.arguments)) for each in batch],
                "until": [each.until + self._clock_ahead for each in batch],
            },
            prepare=True,
        )
        row = await cursor.fetchone()
        return set(row[0]) if row else set()

    async def _connect(self) -> psycopg.AsyncConnection[TupleRow]:
        connection = await psycopg.AsyncConnection.connect(
            self._database.url, autocommit=True, application_name="opsbell inbox"
        )
        self._connection = connection
        before = datetime.now(UTC)
        cursor = await connection.execute("select clock_timestamp()")
        row = await cursor.fetchone()
        # Too early a time only refuses a little sooner, so the earliest reading is taken.
        self._clock_ahead = (row[0] - datetime.now(UTC)) if row else before - before
        return connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    def _refuse(self, waiting: _Waiting) -> None:
        key = waiting.entry.key
        if waiting.answer.done():
            return
        self._waiting.pop(key, None)
        self._refused[key] = None
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        waiting.answer.set_exception(
            NotTaken(
                "Opsbell's own database does not answer.",
                hint="Try again in a minute; nothing was taken.",
            )
        )

    async def _is_double(self, tx: Transaction, entry: Entry) -> bool:
        row = await tx.one(
            "select exists (select from inbox as first join inbox as second on"
            " second.key = %s and first.key <> second.key and first.twin = second.twin"
            " and first.received_at <= second.received_at"
            " and first.received_at > second.received_at - %s) as double",
            (entry.key, DOUBLE_CLICK),
        )
        return bool(row["double"])
