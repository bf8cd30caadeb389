"""The database of a set: its dump, the rows in it, and the roles that restoring it needs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.backups import disk
from bot.backups.disk import NewFile
from bot.backups.dump_directory import OnlyAlone, dump_here, dump_out_of
from bot.backups.dump_jobs import MOST_JOBS, Sizes, jobs_for, spare_cores
from bot.backups.dump_reading import check_contents
from bot.backups.dump_scratch import Place, choose, find_places, remove_abandoned
from bot.backups.meter import Meter
from bot.backups.model import DATABASE, DUMP, GLOBALS, SetFile, part_of
from bot.backups.processes import failure, write_out
from bot.backups.snapshot import (
    LOCK_WAIT,
    Snapshot,
    connection_settings,
    environment,
    open_snapshot,
    psql,
)
from bot.backups.threads import in_thread
from bot.targets.marked import MARK
from bot.targets.model import DatabasePlace, Target

logger = logging.getLogger(__name__)

# The cheapest that is small, best first: on text and JSON, level 1 of zstd is as quick as lz4 and
# as small as its level 3. The last is gzip as every version understands it: at its usual level one
# core's gzip is slower than all else.
COMPRESSIONS = ("zstd:1", "1")

_QUICK = timedelta(seconds=60)
_VERSION = re.compile(r"\(PostgreSQL\) (\S+)")


@dataclass(frozen=True)
class Dumped:
    """What became of a database: files of the set, rows by table, versions by tool."""

    files: tuple[SetFile, ...]
    tables: Mapping[str, int]
    versions: Mapping[str, str]
    jobs: int

    @property
    def size(self) -> int:
        """The bytes of the dump alone."""
        return sum(file.size for file in self.files if part_of(file.path) == DATABASE)


@dataclass(frozen=True)
class _Means:
    """What there is to dump with: the best compression, pg_dump's version."""

    compression: str
    version: str


@dataclass(frozen=True)
class _Way:
    """As one file by one job, or as a directory by several; `place` is where in the container that
    is made."""

    jobs: int
    place: Place | None = None


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
        """Writes the dump and the roles into a partial set. Raises Failed and Unavailable.

        As a directory, by several sessions at once, where that is faster and cores are idle; else
        as one file. What fails only for being several is done again by one.
        """
        with _first_error_alone():
            async with asyncio.TaskGroup() as group:
                # The snapshot takes about as long to open.
                looking = group.create_task(self._look())
                try:
                    return await self._attempt(partial, meter, looking)
                except OnlyAlone as error:
                    logger.warning("dumped again by one session", extra={"error": str(error)})
                    await self.end_leftovers()
                    await in_thread(disk.remove_directory, partial / DATABASE)
                    await in_thread((partial / GLOBALS).unlink, missing_ok=True)
                return await self._attempt(partial, meter, looking, alone=True)

    async def _look(self) -> _Means:
        """Looks at the tools, and removes what dead backups have left in the container."""
        with _first_error_alone():
            async with asyncio.TaskGroup() as group:
                compression = group.create_task(self._compression())
                version = group.create_task(self._version())
                if self._place.service:
                    group.create_task(remove_abandoned(self._target, self._place.service))
        return _Means(compression.result(), version.result())

    async def _attempt(
        self, partial: Path, meter: Meter, looking: asyncio.Task[_Means], *, alone: bool = False
    ) -> Dumped:
        async with open_snapshot(self._target, self._place.service, self._environment) as snapshot:
            sizes, means = await snapshot.sizes(), await looking
            way = _Way(1) if alone else await self._way(sizes)
            argv = self._pg_dump(way, snapshot.id, means.compression)
            imported = asyncio.Event()
            with _first_error_alone():
                async with asyncio.TaskGroup() as group:
                    roles = group.create_task(self._roles(partial / GLOBALS))
                    counting = group.create_task(_count(snapshot, imported))
                    dumping = group.create_task(self._dump(argv, way, partial, meter, imported))
        await check_contents(self._target, self._place.service, self._environment, partial)
        files = (*dumping.result(), roles.result())
        versions = {"postgresql": snapshot.server, "pg_dump": means.version}
        return Dumped(files, counting.result(), versions, way.jobs)

    async def _way(self, sizes: Sizes) -> _Way:
        """How a database of that size is best dumped. Asked when all is quiet: every other look
        would make the machine seem busy."""
        service = self._place.service
        if jobs_for(sizes, MOST_JOBS) == 1:
            return _Way(1)
        jobs = jobs_for(sizes, await spare_cores(self._target, service))
        if jobs == 1 or service is None:
            return _Way(jobs)
        place = choose(await find_places(self._target, service), sizes.total)
        return _Way(jobs, place) if place else _Way(1)

    async def end_leftovers(self) -> None:
        """Ends what a killed backup may have left: processes and sessions that bear its name, and
        then removes their scratch files."""
        await self._target.end_marked(self._application, service=self._place.service)
        if self._place.service:
            await remove_abandoned(self._target, self._place.service)
        query = (
            "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity"
            " where application_name = current_setting('application_name')"
            " and datname = pg_catalog.current_database()"
            " and pid <> pg_catalog.pg_backend_pid()"
        )
        await self._run("Ending the sessions of the backup", psql(self._target), query)

    async def _compression(self) -> str:
        """The best that this pg_dump can do: builds of one version differ."""
        *better, last = COMPRESSIONS
        for compression in better:
            probe = await self._target.run(
                [
                    self._target.tool("pg_dump"),
                    "--format=custom",
                    f"--compress={compression}",
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
            if probe.status == 0:
                return compression
        return last

    async def _version(self) -> str:
        said = await self._run("pg_dump", [self._target.tool("pg_dump"), "--version"])
        found = _VERSION.search(said)
        return found[1] if found else said

    def _pg_dump(self, way: _Way, snapshot: str, compression: str) -> list[str]:
        return [
            self._target.tool("pg_dump"),
            f"--format={'custom' if way.jobs == 1 else 'directory'}",
            f"--compress={compression}",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={int(LOCK_WAIT.total_seconds() * 1000)}",
            "--no-password",
            # What it writes in a container does not stay there.
            *(["--no-sync"] if way.place else []),
        ]

    async def _dump(
        self, argv: list[str], way: _Way, partial: Path, meter: Meter, imported: asyncio.Event
    ) -> tuple[SetFile, ...]:
        if way.jobs == 1:
            return (await self._to_file("pg_dump", argv, partial / DUMP, meter, imported),)
        target, into = self._target, partial / DATABASE
        try:
            if self._place.service and way.place:
                return await dump_out_of(
                    target,
                    self._place.service,
                    argv,
                    self._environment,
                    into,
                    meter,
                    way.jobs,
                    way.place,
                    imported,
                )
            return await dump_here(target, argv, self._environment, into, meter, way.jobs)
        finally:
            # Until then, a session of it may have yet to begin.
            imported.set()

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

        async def tell() -> None:
            if begun:
                begun.set()
            if meter:
                await meter.show(file.size)

        with NewFile(path) as file:
            async with self._target.process(
                argv, service=self._place.service, environment=self._environment
            ) as process:
                await write_out(process.chunks(), file.write, tell)
                if status := await process.wait():
                    raise failure(self._target, name, status, process.error_tail)
            return await in_thread(file.finish)

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
    """Counts the rows, then ends the snapshot as soon as pg_dump has it, with its first output at
    the latest: a transaction left open longer than needed keeps the server from cleaning up."""
    counts = await snapshot.count_rows()
    await snapshot.hold(imported)
    await snapshot.end()
    return counts


@contextlib.contextmanager
def _first_error_alone() -> Iterator[None]:
    """Of tasks that fell together, the first to fall is the one to hear of."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
