"""The locks of a restic repository: a living one's is waited for, a dead one's removed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import Failed
from bot.operations.states import OperationState
from tests.backups.conftest import Bench
from tests.backups.test_restic import bench as bench
from tests.backups.test_restic import environment, make
from tests.backups.trouble import PATIENCE

pytestmark = pytest.mark.needs("restic")


@contextlib.asynccontextmanager
async def locked(tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another restic that holds the repository until it is ended, at the latest with the block."""
    holder = await asyncio.create_subprocess_exec(
        *("restic", "backup", "--quiet", "--stdin"),
        env=environment(tmp_path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not list((tmp_path / "repository" / "locks").iterdir()):
                await asyncio.sleep(0.05)
        yield holder
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.wait()


async def test_the_lock_of_a_living_one_is_respected(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.backups.restic._LOCK_POLL", 0.2)
    for _ in range(2):
        await make(bench, "logs")
    store = bench.backups.store(bench.target)
    async with locked(tmp_path) as holder:
        # Looking and backing up go on beside it.
        [newest, *_] = await store.sets()
        await make(bench, "media")
        monkeypatch.setattr("bot.backups.restic.LOCK_WAIT", timedelta(seconds=1))
        with pytest.raises(Failed, match=rf"locked by process {holder.pid} on "):
            await store.remove([newest])
    assert len(await store.sets()) == 3


async def test_the_lock_of_a_dead_one_is_removed(bench: Bench, tmp_path: Path) -> None:
    for _ in range(2):
        await make(bench, "logs")
    async with locked(tmp_path) as holder:
        holder.kill()
        await holder.wait()
        assert list((tmp_path / "repository" / "locks").iterdir())
        operation = await bench.run("logs")
    assert operation.state is OperationState.DONE
    assert operation.steps[-1].note.startswith("1 old backup removed")
