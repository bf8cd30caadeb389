"""Backups that break: the step and the cause are named, old sets stay, nothing half is left."""

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from bot.backups import snapshot
from bot.operations.model import Operation
from bot.operations.states import OperationState, StepState
from bot.store.queue import Queue
from tests.backups.conftest import ALICE, Bench
from tests.backups.sample import fill_with_noise
from tests.backups.trouble import (
    PATIENCE,
    mid_dump,
    partial_sets,
    tools_running,
    without_sessions,
)
from tests.parts.require import need


@pytest.fixture
async def big(host: Bench, application_url: str) -> Bench:
    """Backups of a database whose dump takes a second or two; one small set is there already."""
    await host.make("logs")
    await asyncio.to_thread(fill_with_noise, application_url, 200)
    return host


def broken_step(operation: Operation) -> str:
    """The kind of the step that an operation failed in."""
    return next(s.planned.kind for s in operation.steps if s.state is StepState.FAILED)


async def failed(bench: Bench, running: "asyncio.Task[Operation]") -> Operation:
    """An operation that has to fail in the dump and leave only the set that was there before."""
    operation = await running
    assert operation.state is OperationState.FAILED
    assert broken_step(operation) == "backup.database"
    assert partial_sets(bench) == []
    assert len(await bench.backups.sets(bench.target)) == 1
    assert tools_running("pg_dump") == []
    return operation


async def test_a_dump_that_is_killed_is_no_dump(big: Bench, application_url: str) -> None:
    running = asyncio.create_task(big.run("database"))
    await mid_dump(big.store)
    (pg_dump,) = tools_running("pg_dump")
    pg_dump.kill()
    operation = await failed(big, running)
    assert operation.error == "pg_dump ended with exit status 137."
    await without_sessions(application_url)


async def test_a_dump_whose_session_is_ended_says_what_the_server_said(
    big: Bench, application_url: str
) -> None:
    running = asyncio.create_task(big.run("database"))
    await mid_dump(big.store)
    with psycopg.connect(application_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'opsbell backup %' and query ilike 'copy%'"
        )
    operation = await failed(big, running)
    assert "pg_dump ended with exit status 1" in operation.error
    assert 'contents of table "noise" failed' in operation.error
    assert "Command was: COPY public.noise" in operation.output


async def test_a_database_that_goes_away_ends_the_backup(big: Bench, application_url: str) -> None:
    running = asyncio.create_task(big.run("database"))
    await mid_dump(big.store)
    with psycopg.connect(application_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'opsbell backup %'"
        )
    operation = await failed(big, running)
    assert "ended with exit status" in operation.error


async def test_a_locked_table_is_waited_for_and_then_named(
    host: Bench, application_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.make("logs")
    monkeypatch.setattr(snapshot, "LOCK_WAIT", timedelta(seconds=1))
    with psycopg.connect(application_url) as connection:
        # The table's name holds what the environment file keeps secret.
        connection.execute('create table "canary-in-the-environment" (n int)')
        connection.commit()
        connection.execute('lock table "canary-in-the-environment" in access exclusive mode')
        operation = await failed(host, asyncio.create_task(host.run("database")))
    assert "canceling statement due to lock timeout" in operation.error
    assert "canary-in-the-environment" not in operation.error + operation.output


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    need("root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def store_on(bench: Bench, disk: Path) -> None:
    """Moves a store that does not exist yet to another file system."""
    directory = bench.settings.backups[bench.target].store.directory
    assert directory
    directory.symlink_to(disk)


async def test_a_disk_that_fills_up_ends_the_backup(
    host: Bench, application_url: str, small_disk: Path
) -> None:
    store_on(host, small_disk)
    await host.make("database")
    await asyncio.to_thread(fill_with_noise, application_url, 200)
    operation = await failed(host, asyncio.create_task(host.run("database")))
    assert operation.error.startswith("No space left on device: ")
    # The first to find it full is the one to hear of.
    assert operation.error.endswith(("/database.dump.", "/globals.sql."))


async def test_too_little_space_is_found_before_anything_is_written(
    host: Bench, application_url: str, small_disk: Path
) -> None:
    store_on(host, small_disk)
    await asyncio.to_thread(fill_with_noise, application_url, 20)
    operation = await host.run("database")
    assert operation.state is OperationState.FAILED
    assert broken_step(operation) == "backup.check"
    assert "Not enough space in" in operation.error
    assert "Free some, or keep fewer backups (backups.grandvps.keep)." in operation.error
    assert host.entries() == []


async def test_a_source_that_is_missing_is_found_before_anything_is_written(host: Bench) -> None:
    directory = host.settings.target(host.target).directory
    (directory / ".env.production").unlink()
    operation = await host.run()
    assert operation.state is OperationState.FAILED
    assert broken_step(operation) == "backup.check"
    assert operation.error == (
        f"{directory}/.env.production does not exist."
        " Correct targets.grandvps.config or what the backup includes."
    )
    assert not host.store.exists()


async def test_a_store_inside_what_is_backed_up_is_refused(host: Bench) -> None:
    directory = host.settings.target(host.target).directory
    (directory / "media" / "store").mkdir()
    store = host.settings.backups["grandvps"].store
    assert store.directory
    store.directory.symlink_to(directory / "media" / "store")
    operation = await host.run("media")
    assert operation.state is OperationState.FAILED
    assert "which is to be backed up" in operation.error


async def test_a_cancelled_dump_leaves_no_process_and_no_file(
    big: Bench, application_url: str, working: Queue
) -> None:
    number = await big.request("database")
    await mid_dump(big.store)
    assert len(tools_running("pg_dump")) == 1
    async with big.database.transaction() as tx:
        await big.operations.cancel(tx, number, actor=ALICE)
    async with asyncio.timeout(PATIENCE):
        while not (operation := await big.operations.get(number)).state.final:
            await asyncio.sleep(0.05)
    assert operation.state is OperationState.CANCELLED
    assert partial_sets(big) == []
    assert tools_running("pg_dump") == []
    await without_sessions(application_url)
    assert len(await big.backups.sets(big.target)) == 1


async def test_leftovers_of_a_dead_backup_go_at_the_next_one(host: Bench) -> None:
    leftover = host.backups.store(host.target).partial("20200101T000000Z")
    leftover.mkdir(parents=True)
    (leftover / "database.dump").write_bytes(b"half")
    await host.make("logs")
    assert partial_sets(host) == []


async def test_something_strange_in_the_partial_set_is_not_published(
    big: Bench,
) -> None:
    running = asyncio.create_task(big.run("database"))
    dump = await mid_dump(big.store)
    dump.with_name("stray").write_text("not ours")
    operation = await running
    assert operation.state is OperationState.FAILED
    assert broken_step(operation) == "backup.publish"
    assert partial_sets(big) == []
