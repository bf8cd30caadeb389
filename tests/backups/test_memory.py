"""A backup takes the same memory whatever the size of the database."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import Bench, compose_settings, host_settings, open_bench
from tests.backups.parallel import fill_tables
from tests.backups.sample import fill_with_noise
from tests.parts.compose_project import ComposeProject
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[2]
LIMIT = 64 << 20


async def more_memory(
    bench: Bench, settings: Mapping[str, Any], tmp_path: Path, database_url: str, way: str = ""
) -> int:
    """Has another process back the database up; the bytes that it took beyond those at first."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    number = await bench.request("database")
    argv = (sys.executable, "-m", "tests.backups.child", str(file), database_url, str(number), way)
    async with ChildProcess(*argv, cwd=ROOT) as child:
        said = await child.wait_for_line(r"memory before (\d+), peak (\d+)", timeout=500)
    operation = await bench.operations.get(number)
    assert operation.state is OperationState.DONE, operation.error
    (found,) = await bench.backups.sets(bench.target)
    assert found.good
    assert found.good.size > 500 << 20
    return int(said[2]) - int(said[1])


@pytest.mark.timeout(600)
async def test_half_a_gigabyte_takes_no_more_memory_than_a_little(
    host: Bench, application_url: str, tmp_path: Path, database_url: str
) -> None:
    await asyncio.to_thread(fill_with_noise, application_url, 500)
    directory = host.settings.target(host.target).directory
    settings = host_settings(directory, application_url, tmp_path / "store")
    assert await more_memory(host, settings, tmp_path, database_url) < LIMIT


@pytest.mark.timeout(600)
@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_nor_does_a_directory_that_a_container_sends(
    own_grandvps: ComposeProject,
    tmp_path: Path,
    database: Database,
    queue: Queue,
    database_url: str,
) -> None:
    await asyncio.to_thread(fill_tables, own_grandvps.database_url, 90)
    settings = compose_settings(own_grandvps, tmp_path / "store")
    async with open_bench(settings, database, queue) as bench:
        way = "by several sessions"
        assert await more_memory(bench, settings, tmp_path, database_url, way) < LIMIT
        assert any(bench.store.glob("*/database/toc.dat"))
