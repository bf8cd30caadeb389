"""The SQL of what operations take back of earlier ones."""

from __future__ import annotations

from bot.operations.model import Operation, TakenBack
from bot.store.database import Transaction


async def keep(tx: Transaction, by: Operation) -> None:
    """Keeps what an operation that starts takes back, as its plan says: whether it did is seen by
    its state."""
    for number, part in by.plan.takes_back:
        await tx.execute(
            "insert into taken_back (operation, part, taken_by) values (%s, %s, %s)"
            " on conflict do nothing",
            (number, part, by.id),
        )


async def of(tx: Transaction, number: int) -> tuple[TakenBack, ...]:
    """What of an operation is taken back, the earliest first. What was taken back by one that is
    taken back itself is in place again."""
    rows = await tx.all(
        "select t.part, t.taken_by, o.state = 'done' as done"
        " from taken_back t join operations o on o.id = t.taken_by where t.operation = %s"
        " and (o.state = 'done' or (o.state = 'running' and o.course <> 'undo'))"
        " order by t.taken_by, t.part",
        (number,),
    )
    found = [TakenBack(row["taken_by"], row["part"], row["done"]) for row in rows]
    return tuple([one for one in found if not await _is_void(tx, one)])


async def touched(tx: Transaction, by: int) -> list[int]:
    """The operations whose standing an operation decides: those it takes back, and those that
    these had taken back before."""
    rows = await tx.all(
        "with recursive chain (operation) as ("
        " select operation from taken_back where taken_by = %s"
        " union select t.operation from taken_back t join chain on t.taken_by = chain.operation)"
        " select operation from chain order by operation",
        (by,),
    )
    return [row["operation"] for row in rows]


async def _is_void(tx: Transaction, one: TakenBack) -> bool:
    return any(each.done and each.part in ("", one.part) for each in await of(tx, one.by))
