"""Opsbell is killed in the middle of a drill: what the next start finds and leaves."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import compose_settings, host_settings
from tests.backups.sample import fill_with_noise
from tests.backups.trouble import server_never_restarted
from tests.drills.conftest import DrillBench, open_drills
from tests.drills.tools import inspect, scratch_containers, volumes, volumes_of, wait_for_scratch
from tests.parts.compose_project import ComposeProject
from tests.parts.process import ChildProcess

# A scratch server gets little of a busy machine, on purpose.
pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]


def child(
    settings: Mapping[str, Any], tmp_path: Path, database_url: str, number: int
) -> ChildProcess:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    argv = (sys.executable, "-m", "tests.drills.child", str(file), database_url, str(number))
    return ChildProcess(*argv, cwd=ROOT)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(180):
        while not await condition():
            await asyncio.sleep(0.02)


async def no_session(url: str) -> bool:
    """Whether no drill has a session on the server."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        query = "select from pg_stat_activity where application_name like 'opsbell drill %'"
        return not await (await connection.execute(query)).fetchall()


async def step_runs(drills: DrillBench, number: int, kind: str) -> bool:
    operation = await drills.bench.operations.get(number)
    return bool(operation.running_step and operation.running_step.planned.kind == kind)


async def judge(drills: DrillBench, number: int) -> None:
    """What the queue does with a dead process's job, and what it tells."""
    await drills.bench.engine.run(number)
    operation = await drills.bench.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert "could not be undone" not in operation.error
    assert await drills.results.of_operation(number) is None


@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
@pytest.mark.parametrize("kind", ["drill.place", "drill.restore"])
async def test_in_a_container(
    grandvps: ComposeProject,
    tmp_path: Path,
    database: Database,
    queue: Queue,
    database_url: str,
    kind: str,
) -> None:
    await asyncio.to_thread(fill_once, grandvps.database_url)
    settings = compose_settings(grandvps, tmp_path / "store")
    async with open_drills(settings, database, queue) as drills:
        await drills.bench.make("database")
        number = await drills.request()
        async with child(settings, tmp_path, database_url, number) as running:
            container = await wait_for_scratch(grandvps)
            await until(lambda: step_runs(drills, number, kind))
            await running.kill9()
        facts = await inspect(container)
        assert volumes_of(facts) <= await volumes()
        await judge(drills, number)
        assert await scratch_containers(grandvps) == []
        assert not volumes_of(facts) & await volumes()
        await until(lambda: no_session(grandvps.database_url))
        assert await server_never_restarted(grandvps)
        await drills.good()


@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_what_nobody_undid_goes_before_the_next_drill(
    grandvps: ComposeProject,
    tmp_path: Path,
    database: Database,
    queue: Queue,
    database_url: str,
) -> None:
    await asyncio.to_thread(fill_once, grandvps.database_url)
    settings = compose_settings(grandvps, tmp_path / "store")
    async with open_drills(settings, database, queue) as drills:
        await drills.bench.make("database")
        number = await drills.request()
        async with child(settings, tmp_path, database_url, number) as running:
            left = await wait_for_scratch(grandvps)
            await until(lambda: step_runs(drills, number, "drill.restore"))
            await running.kill9()
        await drills.good()
        assert left not in await scratch_containers(grandvps)
        assert await scratch_containers(grandvps) == []


async def test_on_this_machine(
    tmp_path: Path, application_url: str, database: Database, queue: Queue, database_url: str
) -> None:
    await asyncio.to_thread(fill_with_noise, application_url, 200)
    directory = tmp_path / "application"
    directory.mkdir()
    settings = host_settings(directory, application_url, tmp_path / "store")

    async def scratch() -> list[str]:
        async with await psycopg.AsyncConnection.connect(application_url) as connection:
            query = "select datname from pg_database where datname like 'opsbell_drill_%'"
            return [name for (name,) in await (await connection.execute(query)).fetchall()]

    async with open_drills(settings, database, queue) as drills:
        await drills.bench.make("database")
        number = await drills.request()
        async with child(settings, tmp_path, database_url, number) as running:
            await until(lambda: step_runs(drills, number, "drill.restore"))
            await running.kill9()
        assert len(await scratch()) == 1
        await judge(drills, number)
        assert await scratch() == []
        await until(lambda: no_session(application_url))
        await drills.good()
        assert await scratch() == []


def fill_once(url: str) -> None:
    """Makes restoring take a while, in a database that several tests share."""
    with psycopg.connect(url) as connection:
        (there,) = connection.execute("select to_regclass('noise')").fetchone() or (None,)
    if there is None:
        fill_with_noise(url, 80)
