"""The due times that were dealt with; the SQL of the clock."""

from __future__ import annotations

from datetime import datetime

from bot.store.database import Database, Transaction


async def claim(tx: Transaction, name: str, due_at: datetime, outcome: str) -> bool:
    """Takes a due time for this transaction; False where it was dealt with before."""
    rows = await tx.execute(
        "insert into ticks (name, due_at, outcome) values (%s, %s, %s) on conflict do nothing",
        (name, due_at, outcome),
    )
    return rows == 1


async def forget_ahead(database: Database, name: str, now: datetime) -> None:
    """Takes back what a clock that was ahead has called missed and is not even due."""
    await database.execute(
        "delete from ticks where name = %s and due_at > %s and outcome = 'missed'", (name, now)
    )


async def last(database: Database, name: str, now: datetime) -> datetime | None:
    """The newest due time until `now` that was dealt with; None where there was none."""
    row = await database.one(
        "select max(due_at) as at from ticks where name = %s and due_at <= %s", (name, now)
    )
    at: datetime | None = row["at"]
    return at
