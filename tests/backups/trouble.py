"""Waiting for the middle of a backup, and looking for what one that broke has left."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql

from bot.backups.catalogue import HIDDEN
from bot.targets.marked import MARK
from tests.backups.conftest import Bench
from tests.parts.compose_project import ComposeProject, run

PATIENCE = 120.0
FAR_ENOUGH = 4 << 20


async def mid_dump(store: Path, file: str = "database.dump") -> Path:
    """Waits until a dump, or another file of a set, is being written; its path."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for dump in store.glob(f"{HIDDEN}*/{file}"):
                if dump.stat().st_size > FAR_ENOUGH:
                    return dump
            await asyncio.sleep(0.01)


def tools_running(name: str) -> list[psutil.Process]:
    """The processes called so that this one has started and that still run."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name() == name and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def marked(mark: str) -> list[psutil.Process]:
    """The processes of a backup, on this machine or in its containers."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


@contextlib.contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """Holds processes: those that have not ended by now do not until the block is left."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


async def until_sessions(url: str, condition: LiteralString, count: int = 1) -> None:
    """Waits until so many sessions of a database are as a condition on their activity says."""
    query = sql.SQL("select from pg_stat_activity where datname = current_database() and {}")
    looking = query.format(sql.SQL(condition))
    async with (
        asyncio.timeout(PATIENCE),
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        while (await connection.execute(looking)).rowcount < count:
            await asyncio.sleep(0.02)


def sessions(url: str) -> list[str]:
    """The sessions that backups have on a database's server."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select application_name from pg_stat_activity"
            " where application_name like 'opsbell backup %'"
        ).fetchall()
    return [row[0] for row in rows]


async def without_sessions(url: str) -> None:
    """Waits until backups have no session on a database's server."""
    async with asyncio.timeout(PATIENCE):
        while sessions(url):
            await asyncio.sleep(0.05)


async def tools_in(project: ComposeProject, service: str = "db") -> list[str]:
    """The names of the processes in a service's container, the database's unless told."""
    return (
        await project.exec(service, "sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null; true")
    ).splitlines()


async def server_never_restarted(project: ComposeProject) -> bool:
    """Whether the database's server has run without a break: ending what runs beside it as its
    child by a signal would make it restart and throw everyone out."""
    log = await run("sh", "-c", f"docker logs {project.container('db')} 2>&1")
    return "terminating any other active server processes" not in log


def partial_sets(bench: Bench) -> list[str]:
    """Directories of sets that never became one."""
    return [name for name in bench.entries() if name.startswith(HIDDEN)]
