"""The SQL of what restores keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.restores.model import Kept, KeptState
from bot.store.database import Transaction


async def keep(
    tx: Transaction,
    *,
    operation: int,
    target: str,
    part: str,
    place: Mapping[str, Any],
    until: datetime,
) -> Kept:
    """Remembers what an operation has put aside; the same again changes nothing."""
    row = await tx.one(
        "insert into kept (operation, target, part, place, until) values (%s, %s, %s, %s, %s)"
        " on conflict (operation, part) do update set place = excluded.place, state = 'kept',"
        " until = case kept.state when 'beside' then excluded.until else kept.until end"
        " returning *",
        (operation, target, part, Jsonb(dict(place)), until),
    )
    return _kept(row)


async def lay_beside(
    tx: Transaction,
    *,
    operation: int,
    target: str,
    part: str,
    place: Mapping[str, Any],
    until: datetime,
) -> Kept | None:
    """Remembers what an operation is about to unpack; None where it has put that aside already."""
    row = await tx.first(
        "insert into kept (operation, target, part, place, until, state)"
        " values (%s, %s, %s, %s, %s, 'beside')"
        " on conflict (operation, part) do update set place = excluded.place"
        " where kept.state = 'beside' returning *",
        (operation, target, part, Jsonb(dict(place)), until),
    )
    return _kept(row) if row else None


async def mark(tx: Transaction, number: int, state: KeptState) -> Kept:
    """→ another state."""
    query = "update kept set state = %s where id = %s returning *"
    return _kept(await tx.one(query, (state.value, number)))


async def extend(tx: Transaction, number: int, until: datetime) -> None:
    """Keeps it longer."""
    await tx.execute("update kept set until = %s where id = %s", (until, number))


async def forget(tx: Transaction, operation: int, part: str) -> None:
    """What an operation was to keep lies where it was before, or is gone."""
    await tx.execute("delete from kept where operation = %s and part = %s", (operation, part))


async def get(tx: Transaction, number: int, *, lock: bool = False) -> Kept | None:
    """One of them; `lock` keeps others from changing it in this transaction."""
    query = "select * from kept where id = %s"
    row = await tx.first(f"{query} for update" if lock else query, (number,))
    return _kept(row) if row else None


async def of_target(tx: Transaction, target: str) -> list[Kept]:
    """All that is kept for a target, the newest first."""
    rows = await tx.all(
        "select * from kept where target = %s and state = 'kept' order by id desc", (target,)
    )
    return [_kept(row) for row in rows]


async def of_operation(tx: Transaction, operation: int) -> list[Kept]:
    """What is kept that an operation has replaced."""
    rows = await tx.all(
        "select * from kept where operation = %s and state = 'kept' order by id", (operation,)
    )
    return [_kept(row) for row in rows]


async def beside(tx: Transaction, target: str) -> list[Kept]:
    """What restores of a target have unpacked and not put to use, the newest first."""
    rows = await tx.all(
        "select * from kept where target = %s and state = 'beside' order by id desc", (target,)
    )
    return [_kept(row) for row in rows]


async def all_lying(tx: Transaction) -> list[Kept]:
    """All that lies aside for any target."""
    rows = await tx.all("select * from kept where state in ('kept', 'beside')")
    return [_kept(row) for row in rows]


def _kept(row: DictRow) -> Kept:
    return Kept(
        id=row["id"],
        operation=row["operation"],
        target=row["target"],
        part=row["part"],
        place=row["place"],
        made_at=row["made_at"],
        until=row["until"],
        state=KeptState(row["state"]),
    )
