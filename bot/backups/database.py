"""The database of a set: its dump, the rows in it, and the roles that restoring it needs."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.backups.disk import NewFile
from bot.backups.leftovers import MARK, end_leftovers
from bot.backups.meter import Meter
from bot.backups.model import DUMP, GLOBALS, SetFile
from bot.backups.processes import failure
from bot.backups.snapshot import (
    LOCK_WAIT,
    Snapshot,
    connection_settings,
    environment,
    open_snapshot,
    psql,
)
from bot.backups.threads import in_thread
from bot.errors import Unavailable
from bot.targets.model import DatabasePlace, Process, Target

ZSTD = "zstd:3"
# gzip, as every version understands it. At its usual level one core's gzip is slower than all else.
GZIP = "1"

_QUICK = timedelta(seconds=60)
_READ_SIZE = 1 << 20
_VERSION = re.compile(r"\(PostgreSQL\) (\S+)")


@dataclass(frozen=True)
class Dumped:
    """What became of a database: files of the set, rows by table, versions by tool."""

    files: tuple[SetFile, ...]
    tables: Mapping[str, int]
    versions: Mapping[str, str]


class DatabaseBackup:
    """Backs up one database with the tools beside its server, whose version always fits.

    `application` names its sessions on the server and marks its processes, so that they can be
    found and ended.
    """

    def __init__(self, target: Target, application: str) -> None:
        self._target = target
        self._place: DatabasePlace = target.database()
        self._application = application
        self._environment = environment(self._place, application) | {MARK: application}

    async def size(self) -> int:
        """The bytes that the database takes on its server: more than any dump of it."""
        query = "select pg_catalog.pg_database_size(pg_catalog.current_database())"
        return int(await self._run("Asking for the database's size", psql(self._target), query))

    async def dump(self, partial: Path, meter: Meter) -> Dumped:
        """Writes the dump and the roles into a partial set. Raises Failed and Unavailable."""
        compression = await self._compression()
        version = await self._run("pg_dump", [self._target.tool("pg_dump"), "--version"])
        imported = asyncio.Event()
        async with open_snapshot(self._target, self._place.service, self._environment) as snapshot:
            with _first_error_alone():
                async with asyncio.TaskGroup() as group:
                    counting = group.create_task(_count(snapshot, imported))
                    dumping = group.create_task(
                        self._dump(partial / DUMP, snapshot.id, compression, meter, imported)
                    )
        dump = dumping.result()
        await self._read_back(partial / DUMP)
        roles = await self._roles(partial / GLOBALS)
        found = _VERSION.search(version)
        versions = {"postgresql": snapshot.server, "pg_dump": found[1] if found else version}
        return Dumped((dump, roles), counting.result(), versions)

    async def end_leftovers(self) -> None:
        """Ends what a killed backup may have left: processes and sessions that bear its name."""
        if self._place.service:
            await end_leftovers(self._target, self._place.service, self._application)
        query = (
            "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity"
            " where application_name = current_setting('application_name')"
            " and datname = pg_catalog.current_database()"
            " and pid <> pg_catalog.pg_backend_pid()"
        )
        await self._run("Ending the sessions of the backup", psql(self._target), query)

    async def _compression(self) -> str:
        """The best that this pg_dump can do: builds of one version differ."""
        probe = await self._target.run(
            [
                self._target.tool("pg_dump"),
                "--format=custom",
                f"--compress={ZSTD}",
                "--schema-only",
                "--exclude-schema=*",
                "--no-password",
                "--no-sync",
                "--file=/dev/null",
            ],
            timeout=_QUICK,
            service=self._place.service,
            environment=self._environment,
        )
        return ZSTD if probe.status == 0 else GZIP

    async def _dump(
        self, path: Path, snapshot: str, compression: str, meter: Meter, imported: asyncio.Event
    ) -> SetFile:
        argv = [
            self._target.tool("pg_dump"),
            "--format=custom",
            f"--compress={compression}",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={int(LOCK_WAIT.total_seconds() * 1000)}",
            "--no-password",
        ]
        return await self._to_file("pg_dump", argv, path, meter, imported)

    async def _roles(self, path: Path) -> SetFile:
        argv = [
            self._target.tool("pg_dumpall"),
            "--globals-only",
            "--no-role-passwords",
            "--no-password",
            f"--database={connection_settings(self._place.name)}",
        ]
        return await self._to_file("pg_dumpall", argv, path)

    async def _to_file(
        self,
        name: str,
        argv: list[str],
        path: Path,
        meter: Meter | None = None,
        begun: asyncio.Event | None = None,
    ) -> SetFile:
        """Streams a tool's output into a new file. Nothing but its exit status says that it is
        all there."""
        with NewFile(path) as file:
            async with self._target.process(
                argv, service=self._place.service, environment=self._environment
            ) as process:
                async for chunk in process.chunks():
                    if begun:
                        begun.set()
                    await in_thread(file.write, chunk)
                    if meter:
                        await meter.show(file.size)
                if status := await process.wait():
                    raise failure(self._target, name, status, process.error_tail)
            return await in_thread(file.finish)

    async def _read_back(self, path: Path) -> None:
        """Has pg_restore read the dump's list of contents from the file as it lies on the disk."""
        async with self._target.process(
            [self._target.tool("pg_restore"), "--list"],
            service=self._place.service,
            environment=self._environment,
            stdin=True,
        ) as process:
            feeding = asyncio.create_task(_feed(process, path))
            try:
                async for _ in process.chunks():
                    pass
                status = await process.wait()
            finally:
                feeding.cancel()
                await asyncio.wait({feeding})
        if status:
            raise failure(self._target, "pg_restore --list", status, process.error_tail)

    async def _run(self, what: str, argv: list[str], query: str = "") -> str:
        done = await self._target.run(
            argv,
            timeout=_QUICK,
            service=self._place.service,
            environment=self._environment,
            stdin=query.encode(),
        )
        if done.status:
            raise failure(self._target, what, done.status, done.stderr)
        return done.stdout.strip()


async def _count(snapshot: Snapshot, imported: asyncio.Event) -> Mapping[str, int]:
    """Counts the rows, then ends the snapshot as soon as pg_dump has it: its first output comes
    after that, and a transaction left open longer than needed keeps the server from cleaning up."""
    counts = await snapshot.count_rows()
    await imported.wait()
    await snapshot.end()
    return counts


async def _feed(process: Process, path: Path) -> None:
    """Sends a file to a process for as long as it reads; pg_restore stops after the contents."""
    with await in_thread(path.open, "rb") as file, contextlib.suppress(Unavailable):
        while data := await in_thread(file.read, _READ_SIZE):
            await process.write(data)
        await process.end_input()


@contextlib.contextmanager
def _first_error_alone() -> Iterator[None]:
    """Of tasks that fell together, the first to fall is the one to hear of."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
