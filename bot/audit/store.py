"""The SQL of reading the log of events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from psycopg.rows import DictRow

from bot.store.database import Transaction

_AT_ONCE = 2000


async def newest(tx: Transaction) -> tuple[int, str, datetime] | None:
    """The last row's number, MAC and time; None of an empty log."""
    row = await tx.first("select id, mac, at from events order by id desc limit 1")
    return (row["id"], bytes(row["mac"]).hex(), row["at"]) if row else None


async def mac_of(tx: Transaction, number: int) -> str | None:
    """The MAC of a row; None where there is no such row."""
    row = await tx.first("select mac from events where id = %s", (number,))
    return bytes(row["mac"]).hex() if row else None


async def every_row(tx: Transaction) -> AsyncIterator[DictRow]:
    """The whole log in order, as it is at one moment, some rows in memory at a time."""
    async with tx.connection.cursor(name="audit") as cursor:
        cursor.itersize = _AT_ONCE
        await cursor.execute("select * from events order by id")
        async for row in cursor:
            yield row


async def last(
    tx: Transaction,
    *,
    since: datetime | None,
    actor: str,
    target: str,
    limit: int,
    leaving_out: Sequence[str],
) -> Sequence[DictRow]:
    """The newest rows that fit, oldest first; an empty actor or target fits all. Actions may be
    left out."""
    rows = await tx.all(
        "select id, at, actor, action, subject, target, outcome, detail from events"
        " where (%(since)s::timestamptz is null or at >= %(since)s)"
        " and (%(actor)s = '' or actor = %(actor)s) and (%(target)s = '' or target = %(target)s)"
        " and action <> all(%(leaving_out)s) order by id desc limit %(limit)s",
        {
            "since": since,
            "actor": actor,
            "target": target,
            "limit": limit,
            "leaving_out": list(leaving_out),
        },
    )
    return rows[::-1]
