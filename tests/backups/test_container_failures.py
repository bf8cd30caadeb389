"""A container that goes away or loses its tools in the middle of a backup."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import ALICE, Bench, compose_settings, open_bench
from tests.backups.sample import fill_with_noise
from tests.backups.test_failures import broken_step
from tests.backups.tools import members
from tests.backups.trouble import (
    PATIENCE,
    mid_dump,
    partial_sets,
    server_never_restarted,
    tools_in,
    until_sessions,
    without_sessions,
)
from tests.parts.compose_project import ComposeProject, run

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


@pytest.fixture
async def big(
    own_grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """A Compose project of this test's own whose dump takes a while; one set is there already."""
    await asyncio.to_thread(fill_with_noise, own_grandvps.database_url, 200)
    settings = compose_settings(own_grandvps, tmp_path / "store")
    async with open_bench(settings, database, queue) as bench:
        await bench.make("media")
        yield bench


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_container_that_ends_ends_the_backup(
    big: Bench, own_grandvps: ComposeProject, end: str
) -> None:
    running = asyncio.create_task(big.run("database"))
    await mid_dump(big.store)
    await run("docker", end, own_grandvps.container("db"))
    operation = await running
    assert operation.state is OperationState.FAILED
    assert broken_step(operation) == "backup.database"
    assert operation.error
    assert own_grandvps.canary not in operation.error + operation.output
    assert partial_sets(big) == []
    assert len(await big.backups.sets(big.target)) == 1


async def cancelled(bench: Bench, number: int) -> None:
    """Cancels an operation and waits for its end."""
    async with bench.database.transaction() as tx:
        await bench.operations.cancel(tx, number, actor=ALICE)
    async with asyncio.timeout(PATIENCE):
        while not (operation := await bench.operations.get(number)).state.final:
            await asyncio.sleep(0.05)
    assert operation.state is OperationState.CANCELLED
    assert partial_sets(bench) == []


async def test_a_cancelled_dump_leaves_nothing_in_the_container(
    big: Bench, own_grandvps: ComposeProject, working: Queue
) -> None:
    number = await big.request("database")
    await mid_dump(big.store)
    await cancelled(big, number)
    assert "pg_dump" not in await tools_in(own_grandvps)
    await without_sessions(own_grandvps.database_url)
    assert await server_never_restarted(own_grandvps)


async def test_a_cancel_while_a_lock_is_waited_for_leaves_the_server_alone(
    big: Bench, own_grandvps: ComposeProject, working: Queue
) -> None:
    with psycopg.connect(own_grandvps.database_url) as connection:
        connection.execute("lock table payments in access exclusive mode")
        number = await big.request("database")
        await until_sessions(own_grandvps.database_url, "wait_event_type = 'Lock'")
        await cancelled(big, number)
        assert "psql" not in await tools_in(own_grandvps)
        connection.execute("select 1")
    assert await server_never_restarted(own_grandvps)


async def test_files_that_change_in_a_container_do_not_end_the_backup(
    big: Bench, own_grandvps: ComposeProject
) -> None:
    script = (
        "touch /tmp/busy; while [ -e /tmp/busy ]; do"
        " echo line >> /app/logs/busy.log; : > /app/logs/b; rm /app/logs/b; done"
    )
    writing = asyncio.create_task(own_grandvps.exec("web", "sh", "-c", script))
    async with asyncio.timeout(PATIENCE):
        while not (own_grandvps.directory / "logs" / "busy.log").exists():
            await asyncio.sleep(0.05)
    for _ in range(2):
        path, _ = await big.make("logs")
        assert {"app/logs/error.log", "app/logs/busy.log"} <= members(path / "logs.tar.zst").keys()
    assert not writing.done()
    await own_grandvps.exec("web", "rm", "/tmp/busy")
    await writing


async def test_what_restores_keep_aside_is_left_out(
    big: Bench, own_grandvps: ComposeProject
) -> None:
    aside = "/app/logs/deep/.opsbell-logs-20261122T020000Z/old"
    await own_grandvps.exec("web", "sh", "-c", f"mkdir -p {aside} && touch {aside}/access.log")
    path, _ = await big.make("logs")
    found = members(path / "logs.tar.zst")
    assert "app/logs/error.log" in found
    assert {"app/logs/deep"} == {name for name in found if "deep" in name}


async def test_a_tar_that_can_leave_nothing_out_takes_it_along(
    big: Bench, own_grandvps: ComposeProject
) -> None:
    script = '#!/bin/sh\ncase $* in *--exclude*) exit 1 ;; esac\nexec /bin/tar "$@"\n'
    install = f"printf '%s' '{script}' >/usr/local/bin/tar && chmod 755 /usr/local/bin/tar"
    await own_grandvps.exec("web", "sh", "-c", f"{install} && touch /app/logs/.opsbell-x")
    path, _ = await big.make("logs")
    assert "app/logs/.opsbell-x" in members(path / "logs.tar.zst")


async def test_files_that_are_not_there_are_named(
    own_grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    settings = compose_settings(own_grandvps, tmp_path / "store")
    settings["targets"]["grandvps"]["files"]["logs"]["path"] = "/app/nowhere"
    async with open_bench(settings, database, queue) as bench:
        operation = await bench.run("logs")
    assert operation.state is OperationState.FAILED
    assert broken_step(operation) == "backup.check"
    assert operation.error.startswith("/app/nowhere does not exist in web.")
