"""How long visitors are kept out while Opsbell restores a database under them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator

import psycopg

from benchmarks.backup_ways import Stage, Taken
from bot.store.queue import Queue
from tests.parts.compose_project import ComposeProject
from tests.restores.bench import open_bench

AWAY = "away"
_MAINTENANCE = "maintenance_mode.txt"
_EVERY = 0.005


async def opsbell_away(stage: Stage) -> Taken:
    """A whole restore, with a visitor who asks all the time; the longest time without an answer."""
    settings = json.loads(await asyncio.to_thread(stage.settings.read_text))
    settings["targets"][stage.bench.target]["maintenance"] = {"file": _MAINTENANCE}
    queue = Queue(stage.bench.database)
    await queue.open()
    async with open_bench(settings, stage.bench.database, queue) as bench:
        async with _visited(stage.project) as gaps:
            await bench.restored(parts=["database"], backup=False)
        for aside in await bench.restores.kept(bench.target):
            await stage.project.psql(
                f'drop database if exists "{aside.place["database"]}"', "postgres"
            )
    return Taken(max(gaps))


@contextlib.asynccontextmanager
async def _visited(project: ComposeProject) -> AsyncIterator[list[float]]:
    """The times without an answer inside the block: with the maintenance file in place, or with
    no database that answers."""
    gaps: list[float] = []
    ending = asyncio.Event()
    visiting = asyncio.create_task(_visit(project, gaps, ending))
    try:
        yield gaps
    finally:
        ending.set()
        await visiting


async def _visit(project: ComposeProject, gaps: list[float], ending: asyncio.Event) -> None:
    file, url = project.directory / _MAINTENANCE, project.database_url
    answered = time.monotonic()
    while not ending.is_set():
        with contextlib.suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                while not ending.is_set():
                    await connection.execute("select 1")
                    if not await asyncio.to_thread(file.exists):
                        gaps.append(time.monotonic() - answered)
                        answered = time.monotonic()
                    await asyncio.sleep(_EVERY)
        await asyncio.sleep(_EVERY)
    gaps.append(time.monotonic() - answered)
