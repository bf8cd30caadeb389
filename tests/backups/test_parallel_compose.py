"""Directory dumps by several sessions in a container, fetched from there when they are whole."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from bot.backups import database as dumps
from bot.backups import dump_jobs
from bot.backups.catalogue import HIDDEN
from bot.backups.dump_directory import OnlyAlone, dump_out_of
from bot.backups.dump_scratch import Place, find_places, remove_abandoned
from bot.backups.meter import Meter
from bot.backups.running import mark_of
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.marked import MARK
from tests.backups.conftest import Bench, compose_settings, open_bench
from tests.backups.parallel import fill_tables, two_cores
from tests.backups.sample import contents, tree
from tests.backups.test_container_failures import cancelled
from tests.backups.test_meter import Told
from tests.backups.tools import commands, shell
from tests.backups.trouble import (
    PATIENCE,
    marked,
    partial_sets,
    server_never_restarted,
    stopped,
    tools_in,
    until_sessions,
    without_sessions,
)
from tests.parts.compose_project import ComposeProject, run
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two idle cores, and little data is worth them."""
    monkeypatch.setattr(dumps, "spare_cores", two_cores)
    monkeypatch.setattr(dump_jobs, "WORTH_IT", 1 << 20)


@pytest.fixture
async def many(
    own_grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """A Compose project of this test's own with several tables."""
    await asyncio.to_thread(fill_tables, own_grandvps.database_url, 4)
    settings = compose_settings(own_grandvps, tmp_path / "store")
    async with open_bench(settings, database, queue) as bench:
        yield bench


@pytest.fixture
async def big(
    own_grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """A Compose project of this test's own whose dump takes a while."""
    await asyncio.to_thread(fill_tables, own_grandvps.database_url, 20)
    settings = compose_settings(own_grandvps, tmp_path / "store")
    async with open_bench(settings, database, queue) as bench:
        yield bench


async def scratch(project: ComposeProject) -> list[str]:
    """What lies in the container where scratch files do."""
    found = await project.exec("db", "sh", "-c", "ls -d /tmp/* /var/tmp/* 2>/dev/null; true")
    return found.split()


async def mid_dump(project: ComposeProject) -> None:
    """Waits until a dump is being written in the container."""
    size = "du -s -k /tmp/opsbell_*/dump /var/tmp/opsbell_*/dump 2>/dev/null; true"
    async with asyncio.timeout(PATIENCE):
        while not any(
            int(line.split()[0]) > 1 << 10
            for line in (await project.exec("db", "sh", "-c", size)).splitlines()
        ):
            await asyncio.sleep(0.05)


async def mid_fetch(bench: Bench) -> None:
    """Waits until what was dumped is on its way."""
    async with asyncio.timeout(PATIENCE):
        while not list(bench.store.glob(f"{HIDDEN}*/database/*")):
            await asyncio.sleep(0.005)


def by_another(
    project: ComposeProject, directory: Path, database_url: str, number: int
) -> ChildProcess:
    """Another process that runs a backup by several sessions."""
    file = directory / "settings.json"
    settings = compose_settings(project, directory / "store")
    file.write_text(json.dumps(settings, default=str))
    argv = (sys.executable, "-m", "tests.backups.child", str(file), database_url, str(number))
    return ChildProcess(*argv, "by several sessions", cwd=ROOT)


async def equal(project: ComposeProject, directory: Path) -> bool:
    """Whether a directory dump, restored with plain pg_restore, is the database as it is."""
    container = project.container("db")
    await run("docker", "cp", "--quiet", str(directory), f"{container}:/tmp/again")
    await project.psql("create database again", "postgres")
    try:
        argv = ("pg_restore", "--exit-on-error", "--jobs=2", "-U", project.user, "-d", "again")
        await project.exec("db", *argv, "/tmp/again")
        url = project.database_url.removesuffix(project.database) + "again"
        return await contents(url) == await contents(project.database_url)
    finally:
        await project.exec("db", "rm", "-rf", "/tmp/again")
        await project.psql("drop database again", "postgres")


async def test_a_directory_comes_back_equal(many: Bench, own_grandvps: ComposeProject) -> None:
    await own_grandvps.psql(
        "select lo_from_bytea(5000 + i, convert_to(repeat('a scan ', i), 'UTF8'))"
        " from generate_series(1, 20) i; create table empty (n int)"
    )
    path, manifest = await many.make("database")
    assert (path / "database" / "toc.dat").exists()
    assert any(file.path.endswith(".dat.zst") for file in manifest.files)
    assert await scratch(own_grandvps) == []
    assert await equal(own_grandvps, path / "database")
    assert await server_never_restarted(own_grandvps)


async def test_an_older_postgresql_compresses_with_gzip(
    grandvps15: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    await asyncio.to_thread(fill_tables, grandvps15.database_url, 4)
    settings = compose_settings(grandvps15, tmp_path / "store")
    async with open_bench(settings, database, queue) as bench:
        path, manifest = await bench.make("database")
    assert any(file.path.endswith(".dat.gz") for file in manifest.files)
    assert await equal(grandvps15, path / "database")
    assert await scratch(grandvps15) == []


async def test_the_guide_restores_after_the_loss_of_everything(
    many: Bench, own_grandvps: ComposeProject
) -> None:
    path, _ = await many.make()
    before, files = await contents(own_grandvps.database_url), tree(own_grandvps.directory)
    await own_grandvps.compose("down", "--volumes")
    shutil.rmtree(own_grandvps.directory)
    await shell(commands(path / "RESTORE.md"))
    assert await contents(own_grandvps.database_url) == before
    assert tree(own_grandvps.directory) == files
    assert await scratch(own_grandvps) == []


async def test_a_cancelled_dump_leaves_nothing_in_the_container(
    big: Bench, own_grandvps: ComposeProject, working: Queue
) -> None:
    number = await big.request("database")
    await mid_dump(own_grandvps)
    await cancelled(big, number)
    assert "pg_dump" not in await tools_in(own_grandvps)
    assert await scratch(own_grandvps) == []
    await without_sessions(own_grandvps.database_url)
    assert await server_never_restarted(own_grandvps)


async def test_cancelled_while_the_dump_is_fetched_it_leaves_nothing(
    big: Bench, own_grandvps: ComposeProject, working: Queue
) -> None:
    number = await big.request("database")
    await mid_fetch(big)
    await cancelled(big, number)
    assert partial_sets(big) == []
    assert await scratch(own_grandvps) == []
    assert await server_never_restarted(own_grandvps)


async def test_killed_while_the_dump_is_fetched_the_container_clears_itself(
    big: Bench, own_grandvps: ComposeProject, tmp_path: Path, database_url: str
) -> None:
    number = await big.request("database")
    async with by_another(own_grandvps, tmp_path, database_url, number) as child:
        await mid_fetch(big)
        await child.kill9()
    async with asyncio.timeout(PATIENCE):
        while await scratch(own_grandvps):
            await asyncio.sleep(0.1)
    await big.engine.run(number)
    assert (await big.operations.get(number)).state is OperationState.INTERRUPTED
    assert partial_sets(big) == []
    assert await server_never_restarted(own_grandvps)


async def test_killed_in_the_middle_it_leaves_nothing_after_the_next_start(
    big: Bench, own_grandvps: ComposeProject, tmp_path: Path, database_url: str
) -> None:
    number = await big.request("database")
    async with by_another(own_grandvps, tmp_path, database_url, number) as child:
        copies = "application_name like 'opsbell backup %' and query ilike 'copy%'"
        await until_sessions(own_grandvps.database_url, copies, 2)
        # Its end is not to come while it is looked for.
        dumping = marked(mark_of(await big.operations.get(number)))
        assert dumping
        with stopped(dumping):
            await child.kill9()
            assert "pg_dump" in await tools_in(own_grandvps)
            assert len(await scratch(own_grandvps)) == 1
    await big.engine.run(number)
    operation = await big.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert "pg_dump" not in await tools_in(own_grandvps)
    assert await scratch(own_grandvps) == []
    assert partial_sets(big) == []
    await without_sessions(own_grandvps.database_url)
    assert await server_never_restarted(own_grandvps)


async def test_what_nobody_owns_goes_and_what_lives_stays(
    many: Bench, own_grandvps: ComposeProject
) -> None:
    target = many.targets.get(many.target)
    alive = "opsbell backup 20261122T020000Z other"
    make = 'mkdir "$1" && printf "%s\\n" "$2" >"$1/mark"'
    for directory, mark in (("/tmp/opsbell_dead", "nobody"), ("/var/tmp/opsbell_alive", alive)):
        await own_grandvps.exec("db", "sh", "-c", make, "sh", directory, mark)
    async with target.process(["sleep", "60"], service="db", environment={MARK: alive}):
        await remove_abandoned(target, "db")
        assert await scratch(own_grandvps) == ["/var/tmp/opsbell_alive"]
    await remove_abandoned(target, "db")
    assert await scratch(own_grandvps) == []


async def test_a_disk_that_runs_full_stops_the_dump_before_the_server(
    big: Bench, own_grandvps: ComposeProject, tmp_path: Path
) -> None:
    target = big.targets.get(big.target)
    place = (await find_places(target, "db"))[0]
    full = Place(place.path, place.filesystem, 1 << 60, place.free, place.mounted)
    environment = {**target.database().environment, MARK: "opsbell backup now grandvps"}
    argv = ["pg_dump", "--format=directory", "--compress=zstd:19", "--no-sync"]
    with pytest.raises(OnlyAlone, match="the disk with the scratch files is nearly full"):
        meter = Meter(Told(), None)
        into, dumped = tmp_path / "database", asyncio.Event()
        await dump_out_of(target, "db", argv, environment, into, meter, 2, full, dumped)
    done = await target.run(
        ["sh", "-c", "cat /proc/[0-9]*/comm"], timeout=timedelta(seconds=9), service="db"
    )
    assert "pg_dump" not in done.stdout
    assert await scratch(own_grandvps) == []
    assert await server_never_restarted(own_grandvps)


async def test_without_room_for_scratch_it_is_one_file(
    many: Bench, own_grandvps: ComposeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nowhere(*_: object) -> list[Place]:
        return []

    monkeypatch.setattr(dumps, "find_places", nowhere)
    path, _ = await many.make("database")
    assert (path / "database.dump").exists()


async def test_counts_are_those_of_the_dump_while_others_write(
    big: Bench, own_grandvps: ComposeProject
) -> None:
    stop = asyncio.Event()

    async def write() -> None:
        url = own_grandvps.database_url
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while not stop.is_set():
                await connection.execute(
                    "insert into payments (user_id, amount, status, created_at)"
                    " select 1, 1, 'paid', now() from generate_series(1, 50)"
                )

    writing = asyncio.create_task(write())
    path, manifest = await big.make("database")
    stop.set()
    await writing
    dump = path / "database"
    container = own_grandvps.container("db")
    await run("docker", "cp", "--quiet", str(dump), f"{container}:/tmp/again")
    rows = await own_grandvps.exec(
        "db", "sh", "-c", "pg_restore --data-only --table=payments -f - /tmp/again"
    )
    copied = rows.partition("FROM stdin;\n")[2].partition("\n\\.\n")[0].splitlines()
    assert len(copied) == manifest.tables["public.payments"] > 3000
