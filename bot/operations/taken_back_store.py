"""The SQL of what operations that are done have taken back of earlier ones."""

from __future__ import annotations

from bot.operations.model import Operation, TakenBack
from bot.store.database import Transaction


async def keep(tx: Transaction, done: Operation) -> None:
    """Keeps what an operation that is done has taken back, as its plan says."""
    for number, part in done.plan.takes_back:
        await tx.execute(
            "insert into taken_back (operation, part, taken_by) values (%s, %s, %s)"
            " on conflict do nothing",
            (number, part, done.id),
        )


async def of(tx: Transaction, number: int) -> tuple[TakenBack, ...]:
    """What of an operation is taken back, the earliest first. What was taken back by one that is
    taken back itself is in place again."""
    rows = await tx.all(
        "select part, taken_by from taken_back where operation = %s order by taken_by, part",
        (number,),
    )
    found = [TakenBack(row["taken_by"], row["part"]) for row in rows]
    return tuple([one for one in found if not await _is_void(tx, one)])


async def touched(tx: Transaction, by: int) -> list[int]:
    """The operations whose standing an operation decides: those it took back, and those that these
    had taken back before."""
    rows = await tx.all(
        "with recursive chain (operation) as ("
        " select operation from taken_back where taken_by = %s"
        " union select t.operation from taken_back t join chain on t.taken_by = chain.operation)"
        " select operation from chain order by operation",
        (by,),
    )
    return [row["operation"] for row in rows]


async def _is_void(tx: Transaction, one: TakenBack) -> bool:
    return any(later.part in ("", one.part) for later in await of(tx, one.by))
