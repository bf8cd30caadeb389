"""The SQL of the checklists. Whoever changes a run locks its row first (`lock`), so that the
message written with the change shows every change before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.checklists.model import Carried, Item, ItemState, Reminder, Run
from bot.checks.model import Reading
from bot.store.database import Transaction

_REMINDED = {
    Reminder.HALF_TIME: sql.Identifier("half_reminded_at"),
    Reminder.TIME_UP: sql.Identifier("time_up_at"),
}


@dataclass(frozen=True)
class Entry:
    """One line of an item's history, as the event log has it."""

    at: datetime
    actor: str
    action: str
    text: str


async def next_id(tx: Transaction) -> int:
    """A number for a run that is about to be posted."""
    row = await tx.one("select nextval(pg_get_serial_sequence('checklist_runs', 'id')) as id")
    return int(row["id"])


async def insert(tx: Transaction, run: Run) -> bool:
    """Adds a run with its items; False, with nothing added, where its due time was posted."""
    added = await tx.execute(
        "insert into checklist_runs"
        " (id, key, name, title, channel, due_at, posted_at, deadline, actor, carried)"
        " values (%(id)s, %(key)s, %(name)s, %(title)s, %(channel)s, %(due_at)s, %(posted_at)s,"
        " %(deadline)s, %(actor)s, %(carried)s) on conflict do nothing",
        {
            "id": run.id,
            "key": run.key,
            "name": run.name,
            "title": run.title,
            "channel": run.channel,
            "due_at": run.due_at,
            "posted_at": run.posted_at,
            "deadline": run.deadline,
            "actor": run.actor,
            "carried": Jsonb([carried.as_json() for carried in run.carried]),
        },
    )
    if not added:
        return False
    async with tx.connection.cursor() as cursor:
        await cursor.executemany(
            "insert into checklist_items (run, position, text, check_name, who)"
            " values (%s, %s, %s, %s, %s)",
            [(run.id, item.position, item.text, item.check, item.who) for item in run.items],
        )
    return True


async def lock(tx: Transaction, run_id: int) -> Run | None:
    """The run, held against other changes until the transaction ends."""
    held = await tx.first("select from checklist_runs where id = %s for update", (run_id,))
    return None if held is None else await load(tx, run_id)


async def load(tx: Transaction, run_id: int) -> Run | None:
    """The run as it stands; None where there is none."""
    rows = await tx.all("select * from checklist_runs where id = %s", (run_id,))
    return next(iter(await _with_items(tx, rows)), None)


async def reload(tx: Transaction, run_id: int) -> Run:
    """A run that is known to be there, after it was changed. Raises LookupError."""
    run = await load(tx, run_id)
    if run is None:
        raise LookupError(f"checklist run {run_id} is gone")
    return run


async def latest(tx: Transaction, name: str, count: int) -> list[Run]:
    """The newest runs of a checklist, newest first."""
    rows = await tx.all(
        "select * from checklist_runs where name = %s order by id desc limit %s", (name, count)
    )
    return await _with_items(tx, rows)


async def set_state(
    tx: Transaction,
    run_id: int,
    position: int,
    state: ItemState,
    *,
    by: str = "",
    at: datetime | None = None,
    reason: str = "",
) -> None:
    """Gives an item its state, with who and when it was closed, and why it does not apply."""
    await tx.execute(
        "update checklist_items set state = %s, by = %s, at = %s, reason = %s, ticks = ticks + 1"
        " where run = %s and position = %s",
        (state, by, at, reason, run_id, position),
    )


async def set_note(tx: Transaction, run_id: int, position: int, note: str, by: str) -> None:
    """Writes an item's note, in place of the one before."""
    await tx.execute(
        "update checklist_items set note = %s, noted_by = %s where run = %s and position = %s",
        (note, by, run_id, position),
    )


async def set_claim(tx: Transaction, run_id: int, position: int, by: str) -> None:
    """Says who has taken an item on ("" for nobody)."""
    await tx.execute(
        "update checklist_items set claimed_by = %s where run = %s and position = %s",
        (by, run_id, position),
    )


async def forget_reading(tx: Transaction, run_id: int, check: str) -> None:
    """Marks the evidence of a check as looked for."""
    await tx.execute(
        "update checklist_items set reading = null where run = %s and check_name = %s",
        (run_id, check),
    )


async def set_reading(tx: Transaction, run_id: int, reading: Reading) -> None:
    """Fills in the evidence of a check, wherever none or older evidence stands."""
    await tx.execute(
        "update checklist_items set reading = %(reading)s where run = %(run)s"
        " and check_name = %(check)s and (reading is null"
        " or (reading ->> 'taken_at')::timestamptz < %(taken_at)s)",
        {
            "reading": Jsonb(reading.as_json()),
            "run": run_id,
            "check": reading.check,
            "taken_at": reading.taken_at,
        },
    )


async def mark_reminded(tx: Transaction, run_id: int, reminder: Reminder, at: datetime) -> None:
    """Says that a reminder was posted."""
    query = sql.SQL("update checklist_runs set {} = %s where id = %s")
    await tx.execute(query.format(_REMINDED[reminder]), (at, run_id))


async def mark_summarised(tx: Transaction, run_id: int, at: datetime) -> None:
    """Says that the team was told that all is done."""
    await tx.execute("update checklist_runs set summarised_at = %s where id = %s", (at, run_id))


async def history(tx: Transaction, key: str) -> dict[int, list[Entry]]:
    """What the event log says of each item of a run, by position, oldest first."""
    rows = await tx.all(
        "select at, actor, action, detail from events"
        " where subject = %s and action like 'item.%%' order by id",
        (key,),
    )
    entries: dict[int, list[Entry]] = {}
    for row in rows:
        detail = row["detail"]
        entry = Entry(row["at"], row["actor"], row["action"], detail.get("text", ""))
        entries.setdefault(detail["position"], []).append(entry)
    return entries


async def _with_items(tx: Transaction, rows: Sequence[DictRow]) -> list[Run]:
    if not rows:
        return []
    items = await tx.all(
        "select * from checklist_items where run = any(%s) order by run, position",
        ([row["id"] for row in rows],),
    )
    by_run: dict[int, list[Item]] = {}
    for item in items:
        by_run.setdefault(item["run"], []).append(_item(item))
    return [_run(row, by_run.get(row["id"], [])) for row in rows]


def _run(row: DictRow, items: Iterable[Item]) -> Run:
    carried = tuple(Carried.from_json(value) for value in row["carried"])
    return Run(**(row | {"items": tuple(items), "carried": carried}))


def _item(row: DictRow) -> Item:
    values = {name: value for name, value in row.items() if name not in ("run", "check_name")}
    values["check"] = row["check_name"]
    values["state"] = ItemState(row["state"])
    values["reading"] = None if row["reading"] is None else Reading.from_json(row["reading"])
    return Item(**values)
