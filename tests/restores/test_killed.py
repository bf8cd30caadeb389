"""Opsbell is killed at every instant of a restore: the old data or the new, never neither."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.operations.states import Course, OperationState
from tests.backups.sample import contents
from tests.parts.process import ChildProcess
from tests.restores.bench import Bench, host_settings
from tests.restores.world import databases, execute, name_of

ROOT = Path(__file__).parents[2]
BEFORE_THE_SWAP = (
    ("before", "create"),
    ("after", "create"),
    ("before", "copy_properties"),
    ("after", "copy_properties"),
    ("before", "exchange"),
)
AROUND_THE_SWAP = (
    *(("statement", "Swapping the databases", delay) for delay in ("0", "0.02", "0.06", "0.15")),
    ("after", "exchange"),
    ("before", "keep"),
    ("after", "keep"),
)


async def killed(
    bench: Bench,
    settings: Mapping[str, Any],
    tmp_path: Path,
    database_url: str,
    doom: tuple[str, ...],
    part: str = "database",
) -> int:
    """Has another process restore a part, the database, which kills itself at its doom."""
    number = await bench.request("restore", set="latest", parts=[part], backup=False)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    argv = (sys.executable, "-m", "tests.restores.child", str(file), database_url, str(number))
    env = {"DOOM_DELAY": doom[2]} if len(doom) > 2 else {}
    async with ChildProcess(*argv, *doom[:2], cwd=ROOT, env=env) as running:
        # One that is to die after a while may have come to its end before.
        ends = (-9, 0) if env else (-9,)
        assert await running.wait(timeout=60) in ends, running.output
    return number


async def seen_by_all(url: str) -> Mapping[str, Any]:
    """What whoever connects finds, at once or as soon as the server has ended what a dead process
    had begun; that may end a visitor too, who then comes back."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await contents(url)
            except psycopg.OperationalError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("doom", [*BEFORE_THE_SWAP, *AROUND_THE_SWAP], ids=" ".join)
async def test_old_or_new_and_open(
    host: Bench, tmp_path: Path, world: str, database_url: str, doom: tuple[str, ...]
) -> None:
    new = await contents(world)
    await host.backups.make("database")
    execute(world, "drop table parent cascade; create table since (n int)")
    old, before = await contents(world), databases(world)
    name = name_of(world)
    number = await killed(host, host_settings(tmp_path, world), tmp_path, database_url, doom)
    # Nobody has repaired anything yet.
    found = await seen_by_all(world)
    assert found in (old, new)
    if doom in BEFORE_THE_SWAP:
        assert found == old
    await host.backups.engine.run(number)
    operation = await host.backups.operations.get(number)
    assert "could not be undone" not in operation.error
    assert not (tmp_path / "application" / "maintenance_mode.txt").exists()
    found, there = await contents(world), databases(world)
    if operation.state is OperationState.DONE:
        assert found == new
        assert len(there) == len(before) + 1
        await host.undone()
        assert await contents(world) == old
        return
    assert operation.state is OperationState.INTERRUPTED
    assert found == old
    assert there[name] == before[name]
    async with host.backups.database.transaction() as tx:
        await host.backups.operations.choose(tx, number, Course.UNDO, actor=operation.actor)
    await host.backups.engine.run(number)
    assert await contents(world) == old
    assert databases(world) == before
