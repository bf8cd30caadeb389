"""Directory dumps by several sessions, on this machine."""

import asyncio
import hashlib
import json
import shutil
import stat
import sys
from pathlib import Path

import psycopg
import pytest

from bot.backups import database, dump_jobs
from bot.backups.running import mark_of
from bot.operations.states import OperationState
from bot.store.queue import Queue
from tests.backups.conftest import ALICE, Bench, host_settings
from tests.backups.parallel import fill_tables, mid_directory, two_cores
from tests.backups.sample import ROWS, contents, tree
from tests.backups.tools import commands, shell
from tests.backups.trouble import (
    PATIENCE,
    marked,
    partial_sets,
    stopped,
    tools_running,
    until_sessions,
    without_sessions,
)
from tests.parts.compose_project import run
from tests.parts.postgres import PostgresServer
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two idle cores, and little data is worth them."""
    monkeypatch.setattr(database, "spare_cores", two_cores)
    monkeypatch.setattr(dump_jobs, "WORTH_IT", 1 << 20)


@pytest.fixture
async def many(host: Bench, application_url: str) -> Bench:
    """A database of several tables of some size."""
    await asyncio.to_thread(fill_tables, application_url, 4)
    return host


@pytest.fixture
async def big(host: Bench, application_url: str) -> Bench:
    """A database whose dump takes a second or two."""
    await asyncio.to_thread(fill_tables, application_url, 24)
    return host


async def test_a_directory_comes_back_equal(
    many: Bench, postgres: PostgresServer, application_url: str
) -> None:
    path, manifest = await many.make("database")
    assert {file.name for file in path.iterdir()} == {
        "RESTORE.md",
        "database",
        "globals.sql",
        "manifest.json",
    }
    assert manifest.parts == {"database"}
    assert manifest.part_size("database") > 24 << 20
    assert manifest.tables == ROWS | dict.fromkeys(["public.noise", *noises()], 1)
    pg_restore = many.targets.get(many.target).tool("pg_restore")
    with postgres.new_database() as empty:
        argv = ("--exit-on-error", "--jobs=2", f"--dbname={empty}", str(path / "database"))
        await run(pg_restore, *argv)
        assert await contents(empty) == await contents(application_url)


def noises() -> list[str]:
    """The further tables that `fill_tables` makes."""
    return [f"public.noise_{number}" for number in range(1, 6)]


async def test_every_file_is_in_the_manifest_and_private(many: Bench) -> None:
    path, manifest = await many.make("database")
    files = [file for file in path.rglob("*") if file.is_file()]
    named = {file.path: file for file in manifest.files}
    assert {str(file.relative_to(path)) for file in files} == named.keys() | {"manifest.json"}
    assert "database/toc.dat" in named
    for name, file in named.items():
        data = (path / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((path / "database").stat().st_mode) == 0o700


async def test_the_note_says_how_many_jobs(many: Bench) -> None:
    operation = await many.run("database")
    (note,) = [step.note for step in operation.steps if step.planned.kind == "backup.database"]
    assert note.endswith(", 2 jobs")


async def test_the_guide_restores_the_directory_by_hand(many: Bench, application_url: str) -> None:
    path, _ = await many.make()
    before = await contents(application_url)
    directory = many.settings.target(many.target).directory
    files = tree(directory)
    shutil.rmtree(directory)
    with psycopg.connect(application_url, autocommit=True) as connection:
        connection.execute("drop table noise_3, payments cascade")
        (name,) = connection.execute("select current_database()").fetchone() or ("",)
    await shell(commands(path / "RESTORE.md"))
    try:
        assert await contents(application_url) == before
        assert tree(directory) == files
    finally:
        with psycopg.connect(application_url, autocommit=True) as connection:
            connection.execute(f'drop database "{name}_before_{path.name}"'.encode())


async def test_one_large_table_is_one_file(many: Bench, application_url: str) -> None:
    with psycopg.connect(application_url, autocommit=True) as connection:
        connection.execute(f"drop table {', '.join(noises())}".encode())
    path, _ = await many.make("database")
    assert (path / "database.dump").exists()
    assert not (path / "database").exists()


async def test_a_busy_machine_dumps_into_one_file(
    many: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one(*_: object) -> int:
        return 1

    monkeypatch.setattr(database, "spare_cores", one)
    path, _ = await many.make("database")
    assert (path / "database.dump").exists()


async def test_a_cancelled_dump_leaves_no_process_and_no_file(
    big: Bench, application_url: str, working: Queue
) -> None:
    number = await big.request("database")
    await mid_directory(big.store)
    with stopped(tools_running("pg_dump")):
        assert len(tools_running("pg_dump")) >= 3
        async with big.database.transaction() as tx:
            await big.operations.cancel(tx, number, actor=ALICE)
    async with asyncio.timeout(PATIENCE):
        while not (operation := await big.operations.get(number)).state.final:
            await asyncio.sleep(0.05)
    assert operation.state is OperationState.CANCELLED
    assert partial_sets(big) == []
    assert tools_running("pg_dump") == []
    await without_sessions(application_url)


async def test_a_worker_that_is_killed_fails_the_dump(big: Bench, application_url: str) -> None:
    running = asyncio.create_task(big.run("database"))
    await mid_directory(big.store)
    with stopped(tools_running("pg_dump")):
        parent = min(tools_running("pg_dump"), key=lambda process: process.create_time())
        parent.children()[0].kill()
    operation = await running
    assert operation.state is OperationState.FAILED
    assert "a worker process died unexpectedly" in operation.error
    assert partial_sets(big) == []
    await without_sessions(application_url)


async def test_a_lock_that_someone_waits_for_makes_it_one_session(
    big: Bench, application_url: str
) -> None:
    """pg_dump's further sessions do not wait behind the one who wants to change a table."""
    running = asyncio.create_task(big.run("database"))
    await mid_directory(big.store)
    change = "alter table noise_5 add column added int default 7"
    async with await psycopg.AsyncConnection.connect(
        application_url, autocommit=True
    ) as connection:
        # It is to wait before the dump has come to that table.
        with stopped(tools_running("pg_dump")):
            changing = asyncio.create_task(connection.execute(change))
            waits = "wait_event_type = 'Lock' and query like 'alter table%'"
            await until_sessions(application_url, waits)
        await asyncio.gather(changing, running)
    operation = running.result()
    assert operation.state is OperationState.DONE, operation.error
    newest = await big.backups.find(big.target, "latest")
    assert newest.path
    assert (newest.path / "database.dump").exists()
    assert not (newest.path / "database").exists()


async def test_killed_in_the_middle_it_leaves_nothing_after_the_next_start(
    big: Bench, application_url: str, tmp_path: Path, database_url: str
) -> None:
    directory = big.settings.target(big.target).directory
    file = tmp_path / "settings.json"
    settings = host_settings(directory, application_url, tmp_path / "store")
    file.write_text(json.dumps(settings, default=str))
    number = await big.request("database")
    argv = (sys.executable, "-m", "tests.backups.child", str(file), database_url, str(number))
    async with ChildProcess(*argv, "by several sessions", cwd=ROOT) as child:
        await mid_directory(big.store)
        mark = mark_of(await big.operations.get(number))
        # Its end is not to come while it is looked for.
        with stopped(marked(mark)):
            await child.kill9()
            # pg_dump writes on: it talks to nobody, and finds out nothing.
            assert marked(mark)
    await big.engine.run(number)
    operation = await big.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert marked(mark) == []
    assert partial_sets(big) == []
    await without_sessions(application_url)
    await big.make("database")
