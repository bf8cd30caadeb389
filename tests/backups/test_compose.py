"""Backups of a real Compose project, through Docker."""

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import Bench, compose_settings, open_bench
from tests.backups.sample import contents, tree
from tests.backups.tools import commands, members, shell
from tests.parts.compose_project import ROWS, ComposeProject

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


def public(rows: dict[str, int]) -> dict[str, int]:
    return {f"public.{table}": count for table, count in rows.items()}


async def restored(project: ComposeProject, dump: Path) -> str:
    """Restores a dump into a new database of the project with plain pg_restore; its URL."""
    await project.psql("create database restored", "postgres")
    container = project.container("db")
    await shell(
        f"docker exec -i {container} pg_restore --exit-on-error -U {project.user} -d restored"
        f" < {dump}"
    )
    return project.database_url.removesuffix(project.database) + "restored"


@contextlib.asynccontextmanager
async def bench_of(
    project: ComposeProject, store: Path, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    async with open_bench(compose_settings(project, store), database, queue) as bench:
        yield bench


async def test_a_set_comes_back_equal(compose: Bench, grandvps: ComposeProject) -> None:
    path, manifest = await compose.make()
    assert manifest.tables == public(ROWS)
    url = await restored(grandvps, path / "database.dump")
    try:
        assert await contents(url) == await contents(grandvps.database_url)
    finally:
        await grandvps.psql("drop database restored", "postgres")
    assert "app/logs/error.log" in members(path / "logs.tar.zst")
    assert "media/avatars/user 3 ü.png" in members(path / "media.tar.zst")
    assert members(path / "config.tar.zst").keys() == {".env.production", "docker-compose.yml"}
    # The custom format's header says how the data is compressed: 3 is zstd.
    assert (path / "database.dump").read_bytes()[:5] == b"PGDMP"
    assert b"\x28\xb5\x2f\xfd" in (path / "database.dump").read_bytes()


async def test_an_older_postgresql_compresses_with_gzip(
    grandvps15: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    async with bench_of(grandvps15, tmp_path / "store", database, queue) as bench:
        path, manifest = await bench.make()
    assert manifest.tool_versions["pg_dump"].startswith("15.")
    dump = (path / "database.dump").read_bytes()
    assert b"\x28\xb5\x2f\xfd" not in dump
    assert b"\x78\x01" in dump  # zlib's mark of its quickest level
    url = await restored(grandvps15, path / "database.dump")
    assert await contents(url) == await contents(grandvps15.database_url)


async def test_counts_are_those_of_the_dump_while_others_write(
    compose: Bench, grandvps: ComposeProject
) -> None:
    stop = asyncio.Event()

    async def write() -> int:
        async with await psycopg.AsyncConnection.connect(
            grandvps.database_url, autocommit=True
        ) as connection:
            for number in itertools.count(1):
                await connection.execute(
                    "insert into payments (user_id, amount, status, created_at)"
                    " select 1, 1, 'paid', now() from generate_series(1, 50)"
                )
                if stop.is_set():
                    return number
        raise AssertionError("unreachable")

    writing = asyncio.create_task(write())
    path, manifest = await compose.make("database")
    stop.set()
    rounds = await writing
    assert rounds > 5
    url = await restored(grandvps, path / "database.dump")
    try:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            for table, rows in manifest.tables.items():
                cursor = await connection.execute(f"select count(*) from {table}".encode())
                assert await cursor.fetchone() == (rows,), table
    finally:
        await grandvps.psql("drop database restored", "postgres")
    assert ROWS["payments"] < manifest.tables["public.payments"] < ROWS["payments"] + 50 * rounds


async def test_the_guide_restores_after_the_loss_of_everything(
    own_grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    project = own_grandvps
    async with bench_of(project, tmp_path / "store", database, queue) as bench:
        path, _ = await bench.make()
    before, files = await contents(project.database_url), tree(project.directory)
    await project.compose("down", "--volumes")
    shutil.rmtree(project.directory)
    await shell(commands(path / "RESTORE.md"))
    assert await contents(project.database_url) == before
    assert tree(project.directory) == files
    assert (await project.exec("web", "cat", "/app/logs/error.log")).startswith("ERROR payment")


async def test_the_guide_sets_the_present_database_aside(
    own_grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    project = own_grandvps
    settings = compose_settings(project, tmp_path / "store")
    del settings["targets"]["grandvps"]["compose"]["files"]  # Compose finds its own
    async with open_bench(settings, database, queue) as bench:
        path, manifest = await bench.make("database")
    before = await contents(project.database_url)
    await project.psql("delete from support_tickets; create table later (id int)")
    async with await psycopg.AsyncConnection.connect(project.database_url):  # someone holds on
        await shell(commands(path / "RESTORE.md"))
    assert await contents(project.database_url) == before
    names = await project.psql("select datname from pg_database order by 1", "postgres")
    assert f"grandvps_prod_before_{manifest.id}" in names.splitlines()


async def test_no_secret_is_outside_the_configuration(
    compose: Bench, grandvps: ComposeProject
) -> None:
    path, _ = await compose.make()
    secret = grandvps.canary.encode()
    for file in path.iterdir():
        assert secret not in file.read_bytes(), file.name
    rows = await compose.database.all(
        "select plan::text || error || output as said from operations"
        " union all select note || result::text from steps"
        " union all select detail::text from events"
        " union all select message::text from posts"
    )
    assert rows
    assert not any(grandvps.canary in row["said"] for row in rows)
