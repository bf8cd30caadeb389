"""One moment of a database, held open: what pg_dump dumps and what the rows are counted in.

A psql is kept open in a read-only transaction that has exported its snapshot. All tables are
locked right at the start, as pg_dump itself does: in an older snapshot a table that was truncated
meanwhile would count as empty.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from bot.backups.dump_jobs import MOST_FILES, Sizes
from bot.backups.processes import failure, lines_of
from bot.errors import Failed, Unavailable
from bot.targets.model import DatabasePlace, Process, Target

LOCK_WAIT = timedelta(seconds=60)
"""How long a table that someone holds locked is waited for."""

_HEARTBEAT = 60.0
# Should this process be killed, the psql may live on with nobody to end its transaction.
_IDLE_LIMIT = timedelta(minutes=5)

# Some of these do not exist on every version. What limits other sessions must not end this one.
_SETTINGS = """
    select set_config(name, value, false) from pg_catalog.pg_settings join (values
        ('statement_timeout', '0'), ('transaction_timeout', '0'), ('row_security', 'off'),
        ('lock_timeout', :'lock_wait'), ('idle_in_transaction_session_timeout', :'idle_limit')
    ) as wanted (key, value) on name = key;"""

# Ordinary tables that hold rows of their own and that pg_dump dumps: no partitioned parents, no
# foreign or temporary tables, nothing that an extension brings along.
_TABLES = """
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence <> 't'
      and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
      and not exists (select from pg_catalog.pg_depend d where d.deptype = 'e'
                      and d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid)
    order by n.nspname, c.relname"""

# Beside its tables a database has large objects, which a dump takes as one more; a directory holds
# each in a file.
_OBJECTS = """
    select pg_table_size('pg_catalog.pg_largeobject');
    select count(*) from (
        select from pg_catalog.pg_largeobject_metadata limit :most_files) objects;"""

_CONNECTIONS = """
    select current_setting('max_connections')::int - count(*)
        - current_setting('superuser_reserved_connections')::int
    from pg_catalog.pg_stat_activity where datname is not null;"""


def psql(target: Target, *arguments: str) -> list[str]:
    """psql as scripts use it: no start-up file, bare output, the first error ends it."""
    return [
        target.tool("psql"),
        "--no-psqlrc",
        "--quiet",
        "--no-align",
        "--tuples-only",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        *arguments,
    ]


def environment(place: DatabasePlace, application: str) -> dict[str, str]:
    """How a tool signs in. `application` is how the server names its sessions.

    The database goes by the environment because as an argument its name might be read as
    connection settings.
    """
    named = {"PGDATABASE": place.name, "PGAPPNAME": application}
    return {**place.environment, **named}


def connection_settings(database: str) -> str:
    """A database's name for where a tool takes it for connection settings if it looks like some."""
    if re.fullmatch(r"[A-Za-z0-9_]+", database):
        return database
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


class Snapshot:
    """An open snapshot; `id` is what `pg_dump --snapshot` takes, `server` the server's version."""

    def __init__(self, target: Target, process: Process) -> None:
        self._target = target
        self._process = process
        self._lines = lines_of(process)
        self.id = ""
        self.server = ""

    async def begin(self) -> None:
        """Exports the snapshot and locks the tables against changes of their form.

        Raises Failed where the server refuses, or a table stays locked for LOCK_WAIT.
        """
        await self._ask(_SETTINGS)
        self.server, self.id = await self._ask(
            "begin transaction isolation level repeatable read, read only;\n"
            "show server_version;\n"
            "select pg_catalog.pg_export_snapshot();"
        )
        lock = "'lock table only %I.%I in access share mode'"
        await self._ask(f"select format({lock}, n.nspname, c.relname) {_TABLES} \\gexec")

    async def count_rows(self) -> Mapping[str, int]:
        """The rows of every table, by its name as SQL writes it: `public.users`, `"Odd".t`."""
        count = "'select json_build_array(%L::text, count(*)) from only %I.%I'"
        name = "format('%I.%I', n.nspname, c.relname)"
        rows = await self._ask(
            f"select format({count}, {name}, n.nspname, c.relname) {_TABLES} \\gexec"
        )
        return dict(json.loads(row) for row in rows)

    async def sizes(self) -> Sizes:
        """How much there is to dump, and by how many it can be dumped."""
        tables = [*map(int, await self._ask(f"select pg_table_size(c.oid) {_TABLES};"))]
        objects, count = map(int, await self._ask(_OBJECTS))
        (connections,) = map(int, await self._ask(_CONNECTIONS))
        every = [*tables, objects]
        return Sizes(sum(every), max(every), len(tables) + count, connections)

    async def hold(self, until: asyncio.Event) -> None:
        """Keeps the snapshot, for sessions that have yet to take it up, until the event is set."""
        while not until.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT):
                    await until.wait()
            await self._ask("select;")

    async def end(self) -> None:
        """Ends the transaction; needed only while nothing else uses the snapshot."""
        await self._process.write(b"commit;\n")
        await self._process.end_input()
        async for _ in self._lines:
            pass
        await self._check_status()

    async def _ask(self, statements: str) -> list[str]:
        """Sends statements and reads the lines they answer, up to a mark that follows them."""
        mark = secrets.token_hex(16)
        # Where psql has ended already, what it said is found below.
        with contextlib.suppress(Unavailable):
            await self._process.write(f"{statements}\n\\echo {mark}\n".encode())
        answered: list[str] = []
        async for line in self._lines:
            if line == mark:
                return answered
            answered.append(line)
        await self._check_status()
        raise Failed("psql ended before its time.")

    async def _check_status(self) -> None:
        if status := await self._process.wait():
            raise failure(self._target, "Reading the database", status, self._process.error_tail)


@contextlib.asynccontextmanager
async def open_snapshot(
    target: Target, service: str | None, environment: Mapping[str, str]
) -> AsyncIterator[Snapshot]:
    """A snapshot of the database that psql finds by its environment, held until the block is left.
    Raises Failed."""
    limits = {
        "lock_wait": _milliseconds(LOCK_WAIT),
        "idle_limit": _milliseconds(_IDLE_LIMIT),
        "most_files": MOST_FILES + 1,
    }
    async with target.process(
        psql(target, *(f"--set={name}={limit}" for name, limit in limits.items())),
        service=service,
        environment={**environment, "PGCLIENTENCODING": "UTF8"},
        stdin=True,
    ) as process:
        snapshot = Snapshot(target, process)
        await snapshot.begin()
        yield snapshot


def _milliseconds(span: timedelta) -> str:
    return f"{int(span.total_seconds() * 1000)}ms"
