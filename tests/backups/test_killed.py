"""Opsbell is killed in the middle of a backup: what the next start finds and leaves."""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import Bench, compose_settings, host_settings, open_bench
from tests.backups.sample import fill_with_noise
from tests.backups.trouble import (
    PATIENCE,
    mid_dump,
    partial_sets,
    server_never_restarted,
    tools_in,
    without_sessions,
)
from tests.parts.compose_project import ComposeProject
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[2]


def child(
    settings: Mapping[str, Any], tmp_path: Path, database_url: str, number: int, doom: str = ""
) -> ChildProcess:
    """Another process that runs an operation; see `tests.backups.child`."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    argv = (sys.executable, "-m", "tests.backups.child", str(file), database_url, str(number), doom)
    return ChildProcess(*argv, cwd=ROOT)


async def kill_while_written(
    bench: Bench,
    settings: Mapping[str, Any],
    tmp_path: Path,
    database_url: str,
    part: str = "database",
    file: str = "database.dump",
) -> int:
    """Has another process run a backup, kills it while it writes a file; the operation's number."""
    number = await bench.request(part)
    async with child(settings, tmp_path, database_url, number) as running:
        await mid_dump(bench.store, file)
        await running.kill9()
    return number


async def judge(bench: Bench, number: int, step: str = "Database") -> None:
    """What the queue does with a dead process's job, and what is left of it."""
    assert len(partial_sets(bench)) == 1
    assert await bench.backups.sets(bench.target) == []
    await bench.engine.run(number)
    operation = await bench.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert f"during «{step}»" in operation.error
    assert "could not be undone" not in operation.error
    assert partial_sets(bench) == []


async def test_on_this_machine(
    host: Bench, application_url: str, tmp_path: Path, database_url: str
) -> None:
    await asyncio.to_thread(fill_with_noise, application_url, 200)
    directory = host.settings.target(host.target).directory
    settings = host_settings(directory, application_url, tmp_path / "store")
    number = await kill_while_written(host, settings, tmp_path, database_url)
    await judge(host, number)
    await without_sessions(application_url)
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
        number = await kill_while_written(bench, settings, tmp_path, database_url)
        await judge(bench, number)
        await without_sessions(url)
        assert "pg_dump" not in await tools_in(own_grandvps)
        assert await server_never_restarted(own_grandvps)
        await bench.make("database")


@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_while_a_container_archives_its_files(
    own_grandvps: ComposeProject,
    tmp_path: Path,
    database: Database,
    queue: Queue,
    database_url: str,
) -> None:
    settings = compose_settings(own_grandvps, tmp_path / "store")
    await own_grandvps.exec(
        "web", "sh", "-c", "head -c 400000000 /dev/urandom > /app/logs/noise.log"
    )
    async with open_bench(settings, database, queue) as bench:
        number = await kill_while_written(
            bench, settings, tmp_path, database_url, "logs", "logs.tar.zst"
        )
        # Nobody reads what it writes, and it waits for ever; another one is none of the backup's.
        assert "tar" in await tools_in(own_grandvps, "web")
        await own_grandvps.exec("web", "sh", "-c", "sleep 600 >/dev/null 2>&1 &")
        await judge(bench, number, "Logs")
        left = await tools_in(own_grandvps, "web")
        assert "tar" not in left
        assert "sleep" in left


async def killed_at(doom: str, host: Bench, tmp_path: Path, database_url: str, url: str) -> int:
    """Has another process back up the media, which kills itself at its doom."""
    directory = host.settings.target(host.target).directory
    settings = host_settings(directory, url, tmp_path / "store")
    number = await host.request("media")
    async with child(settings, tmp_path, database_url, number, doom) as running:
        assert await running.wait(timeout=PATIENCE) != 0
    operation = await host.operations.get(number)
    assert operation.state is OperationState.RUNNING
    return number


async def test_right_after_the_rename_the_backup_is_done(
    host: Bench, tmp_path: Path, database_url: str, application_url: str
) -> None:
    path, _ = await host.make("media")
    number = await killed_at("after the rename", host, tmp_path, database_url, application_url)
    await host.engine.run(number)
    operation = await host.operations.get(number)
    assert (operation.state, operation.error) == (OperationState.DONE, "")
    newest = await host.backups.find(host.target, "latest")
    assert newest.good
    assert newest.id != path.name
    published = next(s for s in operation.steps if s.planned.kind == "backup.publish")
    assert published.result["set"] == newest.id
    assert published.note.startswith("media ")
    # Where midnight came between the two, it says the day instead of the time.
    assert re.search(" as (at|on) ", published.note)
    assert operation.steps[-1].note == "nothing to remove"


async def test_in_a_removal_the_rest_of_it_is_done(
    host: Bench, tmp_path: Path, database_url: str, application_url: str
) -> None:
    oldest, _ = await host.make("media")
    await host.make("media")
    number = await killed_at("in a removal", host, tmp_path, database_url, application_url)
    assert partial_sets(host) == [f".partial-{oldest.name}"]
    await host.engine.run(number)
    operation = await host.operations.get(number)
    assert (operation.state, operation.error) == (OperationState.DONE, "")
    assert operation.steps[-1].note == "1 old backup removed"
    assert partial_sets(host) == []
    assert len(await host.backups.sets(host.target)) == 2
