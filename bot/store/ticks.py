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


async def last(database: Database, name: str) -> datetime | None:
    """The newest due time that was dealt with; None where there was none."""
    row = await database.one("select max(due_at) as at from ticks where name = %s", (name,))
    at: datetime | None = row["at"]
    return at
