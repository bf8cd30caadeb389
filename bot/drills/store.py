"""The SQL of restore drills."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg.rows import DictRow, dict_row

from bot.backups.verdicts import Verdict
from bot.store.database import Database, Transaction
from bot.store.reach import connect
from bot.targets.text import storable


class DrillResults:
    """The outcomes of drills that came to one."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def verdicts(self, target: str) -> Mapping[str, Verdict]:
        """The newest outcome for each set of a target, by set ID."""
        rows = await self.database.all(
            "select distinct on (set_id) * from drills where target = %s"
            " order by set_id, operation desc",
            (target,),
        )
        return {row["set_id"]: _verdict(row) for row in rows}

    async def of_operation(self, operation: int) -> Verdict | None:
        """What one drill found; None where it found nothing."""
        row = await self.database.first("select * from drills where operation = %s", (operation,))
        return _verdict(row) if row else None


async def newest(url: str, target: str) -> Verdict | None:
    """The newest outcome for any set of a target, from the database at `url` as it stands; None
    where there is none. Raises Unavailable, and psycopg.Error where it may not be read."""
    connection = await connect(url)
    try:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute("select to_regclass('drills') is not null as there")
        if not (await cursor.fetchone() or {}).get("there"):
            return None
        await cursor.execute(
            "select * from drills where target = %s order by operation desc limit 1", (target,)
        )
        row = await cursor.fetchone()
        return _verdict(row) if row else None
    finally:
        await connection.close()


async def keep(
    tx: Transaction,
    *,
    operation: int,
    target: str,
    set_id: str,
    good: bool,
    summary: str,
    actor: str,
) -> bool:
    """Keeps an outcome; False where this drill has one already."""
    rows = await tx.execute(
        "insert into drills (operation, target, set_id, good, summary, actor)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (operation) do nothing",
        (operation, target, set_id, good, storable(summary), actor),
    )
    return rows == 1


def _verdict(row: DictRow) -> Verdict:
    return Verdict(
        target=row["target"],
        set_id=row["set_id"],
        good=row["good"],
        at=row["at"],
        by=row["actor"],
        operation=row["operation"],
        summary=row["summary"],
    )
