"""A target that left the configuration, or whose file did, and its maintenance on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.maintenance.model import State
from bot.operations.plan import Plan
from bot.store.queue import Queue
from tests.maintenance.conftest import ALICE, Bench, open_bench
from tests.maintenance.test_topic import follow

HALF = timedelta(minutes=30)


def renamed(directory: Path) -> dict[str, Any]:
    maintenance = {"file": "maintenance_mode.txt"}
    return {"grandvps2": {"runtime": "host", "directory": directory, "maintenance": maintenance}}


def without_file(directory: Path) -> dict[str, Any]:
    return {"grandvps": {"runtime": "host", "directory": directory}}


@asynccontextmanager
async def restarted(bench: Bench, targets: dict[str, Any]) -> AsyncIterator[Bench]:
    """The same Opsbell with other targets."""
    queue = Queue(bench.database)
    await queue.open()
    settings = {"timezone": "Europe/Berlin", "targets": targets}
    async with open_bench(settings, bench.directory, bench.database, queue) as again:
        again.clock.now = bench.clock.now
        yield again


@pytest.mark.parametrize("changed", [renamed, without_file])
async def test_one_that_is_on_is_abandoned_and_told(bench: Bench, changed: Any) -> None:
    await bench.on(length=HALF)
    [end] = await bench.jobs("maintenance.end")
    [warning] = await bench.jobs("maintenance.warn")
    ops = bench.slack.workspace.find_channel("ops")
    await follow(bench)
    topic = ops.topic
    bench.clock.forward(HALF - timedelta(minutes=5))
    await bench.maintenance.jobs.warn(**warning)
    async with restarted(bench, changed(bench.directory)) as again:
        ops = again.slack.workspace.find_channel("ops")
        ops.topic = topic
        again.clock.forward(HALF)
        await again.maintenance.jobs.end(**end)
        looks = await again.jobs("maintenance.look")
        await again.maintenance.lookout.look(**looks[-1])
        assert await again.jobs("maintenance.look") == looks
        assert not await again.is_on()
        over = await again.recorded(1)
        assert (over.state, over.ended) == (State.ABANDONED, again.clock.now)
        told = str(await again.said("maintenance:1"))
        assert "Opsbell no longer knows a maintenance file of grandvps." in told
        assert "The file was left as it was." in told
        assert "End now" not in told
        warned = f"maintenance:1:warning:{end_of(end)}"
        assert "was abandoned, and its file left as it was" in str(await again.said(warned))
        assert bench.file.exists()
        await follow(again)
        assert ops.topic == ""


def end_of(job: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(job["until"]).timestamp())


async def test_its_file_is_ended_under_the_new_name(bench: Bench) -> None:
    await bench.on()
    async with restarted(bench, renamed(bench.directory)) as again:
        await again.run_plan(await again.operations.plan("maintenance.off", "grandvps2", {}))
    assert not bench.file.exists()


async def test_one_of_a_longer_operation_is_told_of_too(bench: Bench) -> None:
    step = bench.maintenance.on_step("grandvps", "contain")
    await bench.run_plan(Plan("contain", "Contain", "grandvps", (step,)))
    [look] = await bench.jobs("maintenance.look")
    async with restarted(bench, renamed(bench.directory)) as again:
        await again.maintenance.lookout.look(**look)
    assert "no longer knows" in str(await bench.said("maintenance:1"))


@pytest.mark.parametrize("changed", [renamed, without_file])
async def test_one_that_was_scheduled_is_missed(bench: Bench, changed: Any) -> None:
    async with bench.database.transaction() as tx:
        starts = bench.clock.now + HALF
        window = await bench.maintenance.schedule(tx, "grandvps", starts, HALF, "", actor=ALICE)
    async with restarted(bench, changed(bench.directory)) as again:
        again.clock.forward(HALF)
        await again.maintenance.jobs.begin(window.id)
    assert (await bench.recorded(window.id)).state is State.MISSED
    told = str(await bench.said(window.key))
    assert "was missed: Opsbell no longer knows a maintenance file of grandvps." in told
    assert "schedule this again under the new name" in told
    assert "its time passed" not in told
