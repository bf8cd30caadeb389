"""Numbered SQL migrations, applied under an advisory lock when the program starts.

Names are recorded one by one. procrastinate's own migrations take part under the prefix
`procrastinate/`: a new database gets its whole schema at once and all their names with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

import procrastinate.sql.migrations
from procrastinate.schema import SchemaManager

from bot.errors import OpsbellError
from bot.store.database import Database, Transaction

MIGRATION_LOCK = 0x0B5BE10
QUEUE_PREFIX = "procrastinate/"


class DatabaseTooNew(OpsbellError):
    """The database was written by a newer Opsbell than this one, with these `migrations`."""

    def __init__(self, migrations: Iterable[str]) -> None:
        super().__init__(
            f"The database was changed by a newer Opsbell: {', '.join(migrations)}.",
            hint="Install the newer Opsbell again, or restore its database from before.",
        )


def own_migrations() -> dict[str, str]:
    """Opsbell's migrations: file name → SQL, in order."""
    return _sql_files("bot.store.migrations")


def queue_migrations() -> dict[str, str]:
    """procrastinate's migrations, named with their prefix, in order."""
    files = _sql_files(procrastinate.sql.migrations.__name__)
    return {QUEUE_PREFIX + name: text for name, text in files.items()}


async def migrate(database: Database) -> list[str]:
    """Brings the database to this program's state; the names applied.

    Raises DatabaseTooNew, having changed nothing, where the database knows a migration that
    this program does not.
    """
    async with database.transaction() as tx:
        await tx.execute("select pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        await tx.execute(
            "create table if not exists migrations"
            " (name text primary key, applied_at timestamptz not null default now())"
        )
        applied = {row["name"] for row in await tx.all("select name from migrations")}
        own, queue = own_migrations(), queue_migrations()
        if unknown := sorted(applied - own.keys() - queue.keys()):
            raise DatabaseTooNew(unknown)
        if any(name.startswith(QUEUE_PREFIX) for name in applied):
            done = await _apply(tx, queue, applied)
        else:
            await tx.execute(SchemaManager.get_schema())
            done = await _record(tx, list(queue))
        return done + await _apply(tx, own, applied)


async def _apply(tx: Transaction, migrations: dict[str, str], applied: set[str]) -> list[str]:
    missing = [name for name in migrations if name not in applied]
    for name in missing:
        await tx.execute(migrations[name])
    return await _record(tx, missing)


async def _record(tx: Transaction, names: list[str]) -> list[str]:
    for name in names:
        await tx.execute("insert into migrations (name) values (%s)", (name,))
    return names


def _sql_files(package: str) -> dict[str, str]:
    files = (entry for entry in resources.files(package).iterdir() if entry.name.endswith(".sql"))
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(files, key=lambda entry: entry.name)
    }
