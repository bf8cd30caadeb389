"""The SQL of maintenances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from psycopg import sql
from psycopg.rows import DictRow

from bot.maintenance.model import ACTIVE, State, Window
from bot.store.database import Transaction

_ACTIVE = [state.value for state in ACTIVE]
_SAVED = tuple(f.name for f in fields(Window) if f.name not in ("id", "target", "asked"))
_INSERTED = (*_SAVED, "target", "asked")


@dataclass(frozen=True)
class Topic:
    """What Opsbell is to have written as a channel's topic, and what it was before. `replaced` is
    an earlier text of Opsbell's that still stands where the writing failed."""

    ours: str
    previous: str
    replaced: str | None = None

    def wrote(self, text: str) -> bool:
        """Whether a text is Opsbell's."""
        return text in (self.ours, self.replaced)


async def insert(tx: Transaction, window: Window) -> Window:
    """Adds a maintenance; the same with its number. Of those that are active there is one per
    target, so a second raises psycopg.errors.UniqueViolation."""
    row = await tx.one(
        sql.SQL("insert into maintenances ({}) values ({}) returning id").format(
            sql.SQL(", ").join(map(sql.Identifier, _INSERTED)),
            sql.SQL(", ").join(map(sql.Placeholder, _INSERTED)),
        ),
        {name: getattr(window, name) for name in _INSERTED},
    )
    return replace(window, id=int(row["id"]))


async def save(tx: Transaction, window: Window) -> None:
    """Writes all that may change about a maintenance."""
    pairs = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in _SAVED]
    await tx.execute(
        sql.SQL("update maintenances set {} where id = {}").format(
            sql.SQL(", ").join(pairs), sql.Placeholder("id")
        ),
        {name: getattr(window, name) for name in (*_SAVED, "id")},
    )


async def lock(tx: Transaction, number: int) -> Window | None:
    """One maintenance, held until the transaction ends; None where there is none."""
    row = await tx.first("select * from maintenances where id = %s for update", (number,))
    return _window(row) if row else None


async def lock_active(tx: Transaction, target: str) -> Window | None:
    """The target's active one, held until the transaction ends; None where there is none."""
    row = await tx.first(
        "select * from maintenances where target = %s and state = any(%s) for update",
        (target, _ACTIVE),
    )
    return _window(row) if row else None


async def active(tx: Transaction) -> list[Window]:
    """All active ones, by target."""
    rows = await tx.all(
        "select * from maintenances where state = any(%s) order by target", (_ACTIVE,)
    )
    return [_window(row) for row in rows]


async def is_active(tx: Transaction, target: str) -> bool:
    """Whether a target has an active one."""
    row = await tx.first(
        "select from maintenances where target = %s and state = any(%s)", (target, _ACTIVE)
    )
    return row is not None


async def scheduled(tx: Transaction, target: str | None = None) -> list[Window]:
    """Those to come, soonest first; of one target, or of all. Held until the transaction ends."""
    rows = await tx.all(
        "select * from maintenances where state = 'scheduled'"
        " and (%(target)s::text is null or target = %(target)s) order by starts, id for update",
        {"target": target},
    )
    return [_window(row) for row in rows]


async def turned_on_by(tx: Transaction, operation: int) -> Window | None:
    """The active one that an operation turned on, held; None where there is none."""
    row = await tx.first(
        "select * from maintenances where on_operation = %s and state = any(%s) for update",
        (operation, _ACTIVE),
    )
    return _window(row) if row else None


async def turned_off_by(tx: Transaction, operation: int) -> Window | None:
    """The one that an operation has ended, or begun to, held; None where there is none."""
    row = await tx.first(
        "select * from maintenances where off_operation = %s and state in ('ending', 'over')"
        " for update",
        (operation,),
    )
    return _window(row) if row else None


async def last(tx: Transaction, target: str, limit: int) -> Sequence[Window]:
    """The newest of a target that are over, newest first."""
    rows = await tx.all(
        "select * from maintenances where target = %s and state = 'over' order by id desc limit %s",
        (target, limit),
    )
    return [_window(row) for row in rows]


async def topic(tx: Transaction, channel: str) -> Topic | None:
    """What is remembered of a channel's topic; None for nothing."""
    row = await tx.first(
        "select ours, previous, replaced from maintenance_topics where channel = %s", (channel,)
    )
    return Topic(**row) if row else None


async def keep_topic(tx: Transaction, channel: str, topic: Topic) -> None:
    """Remembers it."""
    await tx.execute(
        "insert into maintenance_topics (channel, ours, previous, replaced)"
        " values (%s, %s, %s, %s) on conflict (channel) do update set"
        " ours = excluded.ours, previous = excluded.previous, replaced = excluded.replaced",
        (channel, topic.ours, topic.previous, topic.replaced),
    )


async def forget_topic(tx: Transaction, channel: str) -> None:
    """Forgets it."""
    await tx.execute("delete from maintenance_topics where channel = %s", (channel,))


def _window(row: DictRow) -> Window:
    return Window(**(row | {"state": State(row["state"])}))
