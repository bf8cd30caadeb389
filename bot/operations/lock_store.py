"""The SQL of targets that someone keeps for their own operations."""

from __future__ import annotations

from psycopg.rows import DictRow

from bot.operations.model import TargetLock
from bot.store.database import Transaction
from bot.targets.text import visible


async def get(tx: Transaction, target: str) -> TargetLock | None:
    """Who holds a target; None where nobody does."""
    row = await tx.first("select * from target_locks where target = %s", (target,))
    return _load(row) if row else None


async def take(tx: Transaction, target: str, *, holder: str, reason: str) -> TargetLock | None:
    """Takes a target, or gives one's own lock another reason; None where someone else holds it."""
    row = await tx.first(
        "insert into target_locks (target, holder, reason) values (%s, %s, %s)"
        " on conflict (target) do update set reason = excluded.reason"
        " where target_locks.holder = excluded.holder returning *",
        (target, holder, visible(reason)),
    )
    return _load(row) if row else None


async def free(tx: Transaction, lock: TargetLock) -> bool:
    """Ends a lock; False where it is that lock no longer."""
    rows = await tx.execute(
        "delete from target_locks where target = %s and holder = %s and since = %s",
        (lock.target, lock.holder, lock.since),
    )
    return rows == 1


async def queued(tx: Transaction, target: str) -> list[int]:
    """The operations of a target that wait to run, in the order in which they came."""
    rows = await tx.all(
        "select id from operations where target = %s and state = 'queued' order by id", (target,)
    )
    return [row["id"] for row in rows]


def _load(row: DictRow) -> TargetLock:
    return TargetLock(row["target"], row["holder"], row["reason"], row["since"])
