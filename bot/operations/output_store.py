"""The SQL of what the work of operations wrote."""

from __future__ import annotations

from datetime import datetime

from bot.store.database import Transaction
from bot.targets.text import visible


async def add(tx: Transaction, number: int, position: int, lines: str) -> None:
    """Adds lines that a step's work wrote."""
    await tx.execute(
        "insert into outputs (operation, position, lines) values (%s, %s, %s)",
        (number, position, visible(lines)),
    )


async def tail(tx: Transaction, number: int, position: int, limit: int) -> str:
    """The last lines that a step wrote."""
    rows = await tx.all(
        "select lines from outputs where operation = %s and position = %s"
        " order by id desc limit %s",
        (number, position, limit),
    )
    lines = "\n".join(row["lines"] for row in reversed(rows)).splitlines()
    return "\n".join(lines[-limit:])


async def whole(tx: Transaction, number: int) -> list[tuple[int, datetime, str]]:
    """All that an operation wrote: position of the step, time, lines."""
    rows = await tx.all(
        "select position, at, lines from outputs where operation = %s order by id", (number,)
    )
    return [(row["position"], row["at"], row["lines"]) for row in rows]
