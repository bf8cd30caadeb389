"""The database part of a set into a named empty database, and the proof that all of it is there.

Nothing but that database is changed, except that roles which the dump names and the server lacks
are made. The database that a set was taken from is never looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.backups.model import DATABASE, DUMP, GLOBALS
from bot.backups.processes import failure, fed
from bot.backups.snapshot import open_snapshot
from bot.backups.threads import in_thread
from bot.cancelling import end
from bot.errors import Failed, NotFound
from bot.restores import statistics
from bot.restores.meter import LoadMeter
from bot.restores.plain import load_plain
from bot.restores.roles import make_missing_roles
from bot.restores.scratch import scratch_copy
from bot.restores.server import Server
from bot.words import count

Pieces = AsyncIterator[bytes]

# Lost with a power cut is only what is not in place yet: the swap's own commit is waited for, and
# with it everything before it is on the disk.
# Where the jobs share the tables, several workers for an index would only be in each other's way:
# those are for a table that is larger than all the others.
_FAST = (
    "-c synchronous_commit=off -c maintenance_work_mem=256MB -c min_parallel_table_scan_size=256MB"
)


@dataclass(frozen=True)
class Dump:
    """What a database is restored from: a file or a directory that pg_dump has made.

    `roles` is pg_dumpall's text of the roles, None where there is none. `tables` are the rows that
    each table must have, by its name as SQL writes it; None where that is not known.
    """

    path: Path
    roles: Path | None = None
    tables: Mapping[str, int] | None = None

    @property
    def plain(self) -> bool:
        """Whether it is a script for psql."""
        return self.path.suffix == ".sql"

    @property
    def size(self) -> int:
        """Its bytes. Blocking."""
        if self.path.is_dir():
            return sum(each.stat().st_size for each in self.path.iterdir())
        return self.path.stat().st_size


@dataclass(frozen=True)
class Loaded:
    """A database that is there whole: its rows by table, the roles that were made for it."""

    tables: Mapping[str, int]
    roles: tuple[str, ...]

    @property
    def note(self) -> str:
        """One line for people."""
        rows = count(sum(self.tables.values()), "row")
        made = f", roles made: {', '.join(self.roles)}" if self.roles else ""
        return f"{count(len(self.tables), 'table')}, {rows}, all as in the backup{made}"


def dump_of(directory: Path, tables: Mapping[str, int] | None = None) -> Dump:
    """The dump in a set's directory. Raises NotFound where the set holds no database."""
    roles = directory / GLOBALS
    for name in (DUMP, DATABASE):
        if (directory / name).exists():
            return Dump(directory / name, roles if roles.exists() else None, tables)
    raise NotFound(f"There is no database in {directory}.")


async def load(
    server: Server, dump: Dump, database: str, *, jobs: int = 1, meter: LoadMeter
) -> Loaded:
    """Restores a dump into a new empty database of the server, by `jobs` at a time.

    The first error ends it, and so does a table whose rows are not as many as they were. Raises
    Failed and Unavailable; the database is then to be removed by the caller, as `end_load` does.
    """
    made = await make_missing_roles(server, dump.roles, lambda: _schema(server, dump, meter))
    options = await statistics.ahead_of_autovacuum(server)
    copied: Mapping[str, int] = {}
    if dump.plain:
        copied = await load_plain(server, dump.path, database, meter)
    else:
        await _restore(server, dump, database, jobs, f"{_FAST} {options}", meter)
    await meter.say("analyzing and counting rows")
    found = await _settled(server, database, jobs, options)
    if dump.plain:
        # Rows may be given to a partitioned table, which itself has none.
        given = {table: rows for table, rows in copied.items() if table in found}
        compare_rows(given, {table: found[table] for table in given})
    elif dump.tables is not None:
        compare_rows(dump.tables, found)
    return Loaded(found, tuple(made))


def compare_rows(expected: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Raises Failed where tables or rows are not those that are `expected`."""
    wrong = [
        f"{table}: {found.get(table, 'no table')} instead of {rows}"
        for table, rows in sorted(expected.items())
        if found.get(table) != rows
    ]
    wrong += [f"{table}: not in the backup" for table in sorted(found.keys() - expected.keys())]
    if wrong:
        raise Failed(
            f"{count(len(wrong), 'table')} came back different: {'; '.join(wrong[:3])}.",
            output="\n".join(wrong[:20]),
        )


@asynccontextmanager
async def _schema(server: Server, dump: Dump, meter: LoadMeter) -> AsyncIterator[Pieces]:
    """The statements of a dump without its data."""
    argv = [server.target.tool("pg_restore"), "--schema-only", "--file=-"]
    async with AsyncExitStack() as stack:
        feed: Path | None = None
        if server.service is None:
            argv.append(str(dump.path))
        elif await in_thread(dump.path.is_dir):
            copy = scratch_copy(server, dump.path, meter, only="toc.dat")
            argv.append(str(await stack.enter_async_context(copy)))
        else:
            feed = dump.path
        process = await stack.enter_async_context(
            server.target.process(
                argv,
                service=server.service,
                environment=server.environment(server.elsewhere),
                stdin=feed is not None,
            )
        )
        async with fed(process, feed):
            yield process.chunks()
            status = await process.wait()
        if status:
            raise failure(server.target, "pg_restore", status, process.error_tail)


async def _settled(server: Server, database: str, jobs: int, options: str) -> Mapping[str, int]:
    """Has the planner's statistics made and proves constraints and indexes; the rows by table."""
    gathering = statistics.gather(server, database, jobs=jobs, options=options, rough=True)
    beside = [asyncio.create_task(gathering), asyncio.create_task(_prove_indexes(server, database))]
    try:
        rows = await _rows(server, database)
        await asyncio.gather(*beside)
    finally:
        await end(beside)
    return rows


async def _rows(server: Server, database: str) -> Mapping[str, int]:
    async with open_snapshot(
        server.target, server.service, server.environment(database)
    ) as snapshot:
        rows = await snapshot.count_rows()
        await snapshot.end()
    return rows


async def _prove_indexes(server: Server, database: str) -> None:
    """No index that holds rows may be one that PostgreSQL does not use. What the dump itself
    declares as not valid is so by the application's wish; every other constraint was checked when
    it was made."""
    query = (
        "select indexrelid::regclass::text as name from pg_catalog.pg_index i"
        " join pg_catalog.pg_class c on c.oid = i.indexrelid"
        " where c.relkind = 'i' and not (i.indisvalid and i.indisready)"
    )
    if bad := await server.rows("Looking at the indexes", query, database):
        names = ", ".join(str(row["name"]) for row in bad[:3])
        raise Failed(f"{count(len(bad), 'index', 'indexes')} came back invalid: {names}.")


async def _restore(
    server: Server, dump: Dump, database: str, jobs: int, options: str, meter: LoadMeter
) -> None:
    """pg_restore, straight from the set on this machine, in a container by its input, or there
    from a scratch copy where it has to move about in the dump."""
    directory = await in_thread(dump.path.is_dir)
    parallel = [f"--jobs={jobs}"] if jobs > 1 else []
    async with meter.watching(server, database):
        if server.service is None:
            await _pg_restore(server, database, [*parallel, str(dump.path)], options)
        elif directory or jobs > 1:
            async with scratch_copy(server, dump.path, meter) as inside:
                await _pg_restore(server, database, [*parallel, str(inside)], options)
        else:
            await _pg_restore(server, database, [], options, feed=dump.path)


async def _pg_restore(
    server: Server, database: str, arguments: list[str], options: str, feed: Path | None = None
) -> None:
    target = server.target
    argv = [target.tool("pg_restore"), "--exit-on-error", "--no-password"]
    process_of = target.process(
        [*argv, server.dbname(database), *arguments],
        service=server.service,
        environment=server.environment(database, options),
        stdin=feed is not None,
    )
    async with process_of as process, fed(process, feed):
        async for _ in process.chunks():
            pass
        status = await process.wait()
    if status:
        raise failure(target, "pg_restore", status, process.error_tail)
