"""Opsbell is killed in the middle of a dump: what the next start finds and leaves."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.operations.model import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import Bench, compose_settings, host_settings, open_bench
from tests.backups.sample import fill_with_noise
from tests.backups.trouble import (
    mid_dump,
    partial_sets,
    server_never_restarted,
    tools_in,
    without_sessions,
)
from tests.parts.compose_project import ComposeProject
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[2]


async def kill_in_mid_dump(
    bench: Bench, settings: Mapping[str, Any], tmp_path: Path, database_url: str
) -> int:
    """Has another process run a backup, kills it in the dump; the operation's number."""
    number = await bench.request("database")
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    argv = (sys.executable, "-m", "tests.backups.child", str(file), database_url, str(number))
    async with ChildProcess(*argv, cwd=ROOT) as child:
        await mid_dump(bench.store)
        await child.kill9()
    return number


async def judge(bench: Bench, number: int, url: str) -> None:
    """What the queue does with a dead process's job, and how the world is after it."""
    assert len(partial_sets(bench)) == 1
    assert await bench.backups.sets(bench.target) == []
    await bench.engine.run(number)
    operation = await bench.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert "during «Database»" in operation.error
    assert "could not be undone" not in operation.error
    assert partial_sets(bench) == []
    await without_sessions(url)


async def test_on_this_machine(
    host: Bench, application_url: str, tmp_path: Path, database_url: str
) -> None:
    await asyncio.to_thread(fill_with_noise, application_url, 200)
    directory = host.settings.target(host.target).directory
    settings = host_settings(directory, application_url, tmp_path / "store")
    number = await kill_in_mid_dump(host, settings, tmp_path, database_url)
    await judge(host, number, application_url)
    await host.make("database")


@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_in_a_container(
    own_grandvps: ComposeProject,
    tmp_path: Path,
    database: Database,
    queue: Queue,
    database_url: str,
) -> None:
    settings = compose_settings(own_grandvps, tmp_path / "store")
    url = own_grandvps.database_url
    await asyncio.to_thread(fill_with_noise, url, 200)
    async with open_bench(settings, database, queue) as bench:
        number = await kill_in_mid_dump(bench, settings, tmp_path, database_url)
        await judge(bench, number, url)
        assert "pg_dump" not in await tools_in(own_grandvps)
        assert await server_never_restarted(own_grandvps)
        await bench.make("database")
