"""Restores of a real Compose project, through Docker: extensions, files in a container."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.backups.snapshot import connection_settings
from bot.errors import Failed
from bot.operations.states import Course, OperationState
from bot.restores import databases as databases_module
from bot.restores.files_in_service import find_stage, move, remove
from bot.restores.loading import Dump, load
from bot.restores.meter import LoadMeter
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import compose_settings
from tests.backups.sample import contents, fill_with_noise, tree
from tests.backups.tools import shell
from tests.backups.trouble import server_never_restarted
from tests.parts.compose_project import ComposeProject, run
from tests.restores.bench import Bench, Heard, open_bench
from tests.restores.test_killed import killed, seen_by_all
from tests.restores.test_left import left_by
from tests.restores.world import databases, execute, make_world, name_of, rows, url_of

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


WORLD = 'it\'s a "wörld" of =odd names'


def settings_of(project: ComposeProject, store: Path, name: str) -> dict[str, Any]:
    settings = compose_settings(project, store)
    settings["targets"]["grandvps"]["maintenance"] = {"file": "maintenance_mode.txt"}
    settings["targets"]["grandvps"]["database"]["name"] = name
    return settings


@pytest.fixture
async def compose(
    tmp_path: Path, grandvps: ComposeProject, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Restores of the Compose project with PostgreSQL 17."""
    settings = settings_of(grandvps, tmp_path / "store", grandvps.database)
    async with open_bench(settings, database, queue) as bench:
        yield bench


@pytest.fixture
async def odd(
    tmp_path: Path, grandvps: ComposeProject, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """The same with a database of another name, which holds one of everything."""
    url = url_of(grandvps.database_url, WORLD)
    name = WORLD.replace('"', '""')
    execute(grandvps.database_url, f'create database "{name}"')
    await asyncio.to_thread(make_world, url, extensions=True)
    settings = settings_of(grandvps, tmp_path / "store", WORLD)
    async with open_bench(settings, database, queue) as bench:
        yield bench


async def schema(project: ComposeProject, database: str) -> str:
    database = connection_settings(database)
    dumped = await project.exec("db", "pg_dump", "-U", project.user, "--schema-only", database)
    return "\n".join(line for line in dumped.splitlines() if "restrict" not in line)


async def test_everything_comes_back(odd: Bench, grandvps: ComposeProject) -> None:
    url = url_of(grandvps.database_url, WORLD)
    taken, taken_schema = await contents(url), await schema(grandvps, WORLD)
    logs, media = tree(grandvps.directory / "logs"), tree(grandvps.directory / "media")
    await odd.backups.make()
    execute(url, "drop extension pg_trgm cascade; truncate measured; create table since (n int)")
    (grandvps.directory / "logs" / "access.log").write_text("since\n")
    (grandvps.directory / "media" / "since.png").write_bytes(b"since")
    changed, changed_schema = await contents(url), await schema(grandvps, WORLD)
    operation = await odd.restored()
    assert (await contents(url), await schema(grandvps, WORLD)) == (taken, taken_schema)
    assert "tables" in next(s.note for s in operation.steps if s.planned.kind == "restore.load")
    after = tree(grandvps.directory / "logs")
    assert {path: after[path] for path in logs} == logs
    assert tree(grandvps.directory / "media") == media
    # The containers see what this machine sees: their mounts are the ones that they were.
    seen = await grandvps.exec("web", "cat", "/app/logs/access.log")
    assert seen.startswith("203.0.113.7")
    await odd.undone()
    assert (await contents(url), await schema(grandvps, WORLD)) == (changed, changed_schema)
    assert (grandvps.directory / "logs" / "access.log").read_text() == "since\n"
    assert (grandvps.directory / "media" / "since.png").exists()
    assert "opsbell" not in await grandvps.exec("db", "ls", "-a", "/tmp", "/var/tmp")


@pytest.mark.parametrize("form", ["custom", "directory"])
async def test_several_jobs_work_on_a_copy_in_the_container(
    compose: Bench, grandvps: ComposeProject, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "dump"
    argv = ("pg_dump", "-U", grandvps.user, f"--format={form}", "--file=/var/tmp/dump")
    await grandvps.exec("db", *argv, grandvps.database)
    await run("docker", "cp", f"{grandvps.container('db')}:/var/tmp/dump", str(path))
    await grandvps.exec("db", "rm", "-r", "/var/tmp/dump")
    server, name = compose.server, "loaded by two"
    await databases_module.create(server, name, like=grandvps.database)
    expected = await asyncio.to_thread(rows, grandvps.database_url)
    loaded = await load(server, Dump(path, None, expected), name, jobs=2, meter=LoadMeter(Heard()))
    assert loaded.tables == expected
    url = url_of(grandvps.database_url, name)
    assert await contents(url) == await contents(grandvps.database_url)
    await databases_module.drop(server, name)
    assert "opsbell" not in await grandvps.exec("db", "ls", "-a", "/tmp", "/var/tmp")


async def test_the_guides_own_dump(compose: Bench, grandvps: ComposeProject) -> None:
    """As `docker-compose exec db pg_dump … > backup_file.sql` wrote it, through a terminal."""
    taken = await contents(grandvps.database_url)
    argv = ("pg_dump", "-U", grandvps.user, grandvps.database)
    dumped = await grandvps.exec("db", *argv)
    store = compose.backups.store
    await asyncio.to_thread(lambda: store.mkdir(parents=True, exist_ok=True))
    path = store / "backup_file.sql"
    path.write_bytes(dumped.encode().replace(b"\n", b"\r\n"))
    execute(grandvps.database_url, "drop table payments cascade")
    operation = await compose.restored("file:backup_file.sql")
    assert await contents(grandvps.database_url) == taken
    assert "CR LF" in operation.steps[0].note
    await compose.undone()


async def test_a_full_disk(compose: Bench, grandvps: ComposeProject) -> None:
    """The live database lies on a disk that has no room for another: nothing of one is left."""
    url = grandvps.database_url
    await asyncio.to_thread(fill_with_noise, url, 12)
    await compose.backups.make("database")
    before, named = await contents(url), databases(url)
    await grandvps.exec("db", "sh", "-c", "install -d -m 700 -o postgres /dev/shm/small")
    await grandvps.psql("create tablespace small location '/dev/shm/small'", "postgres")
    move = f"alter database {grandvps.database} set tablespace"
    await grandvps.psql(f"{move} small", "postgres")
    # An empty database fits, with the data it does not.
    fill = "head -c $(($(df -P -k /dev/shm | tail -n 1 | awk '{print $4}') * 1024 - 9000000))"
    await grandvps.exec("db", "sh", "-c", f"{fill} /dev/zero >/dev/shm/full")
    operation = await compose.run("restore", set="latest", parts=["database"], backup=False)
    assert operation.state is OperationState.FAILED
    assert "No space left on device" in operation.error
    assert "could not be undone" not in operation.error
    await grandvps.exec("db", "rm", "/dev/shm/full")
    assert databases(url) == named
    assert await contents(url) == before
    assert name_of(url) in named
    await grandvps.psql(f"{move} pg_default", "postgres")
    await grandvps.psql("drop tablespace small", "postgres")


@pytest.mark.parametrize("delay", ["0.05", "0.15", "0.3"])
async def test_killed_in_the_swap(
    compose: Bench, grandvps: ComposeProject, tmp_path: Path, database_url: str, delay: str
) -> None:
    url = grandvps.database_url
    await compose.backups.make("database")
    new = await contents(url)
    execute(url, "create table since (n int)")
    old = await contents(url)
    settings = settings_of(grandvps, tmp_path / "store", grandvps.database)
    doom = ("statement", "Swapping the databases", delay)
    number = await killed(compose, settings, tmp_path, database_url, doom)
    assert await seen_by_all(url) in (old, new)
    await compose.backups.engine.run(number)
    operation = await compose.backups.operations.get(number)
    assert "could not be undone" not in operation.error
    assert not (grandvps.directory / "maintenance_mode.txt").exists()
    swapped = "restore.swap" in operation.results()
    assert await contents(url) == (new if swapped else old)
    assert await server_never_restarted(grandvps)
    if operation.state is not OperationState.DONE:
        async with compose.backups.database.transaction() as tx:
            operations = compose.backups.operations
            await operations.choose(tx, number, Course.RESUME, actor=operation.actor)
        await compose.backups.engine.run(number)
        assert await contents(url) == new


async def test_what_is_left_in_a_container_is_named_and_goes(
    compose: Bench, grandvps: ComposeProject, tmp_path: Path, database_url: str
) -> None:
    await without_stages(grandvps)
    logs = tree(grandvps.directory / "logs")
    await compose.backups.make("logs")
    settings = settings_of(grandvps, tmp_path / "store", grandvps.database)
    doom = ("before", "move")
    number = await killed(compose, settings, tmp_path, database_url, doom, "logs")
    await left_by(compose, number)
    assert ".opsbell" not in await grandvps.exec("web", "ls", "-a", "/app", "/app/logs")
    assert tree(grandvps.directory / "logs") == logs
    # What no record knows of is found by its name.
    unknown = "/app/logs/.opsbell-logs-20261121T020000Z"
    await grandvps.exec("web", "mkdir", unknown)
    [command] = (await compose.restores.left(compose.target)).commands
    assert command.endswith(f"exec -T web rm -r -- {unknown}")
    await grandvps.exec("web", "touch", f"{unknown}/.operation-7.begun")
    [told] = (await compose.restores.left(compose.target)).commands
    assert told.startswith(f"{unknown} in web (may hold replaced files")
    await grandvps.exec("web", "rm", f"{unknown}/.operation-7.begun")
    await shell(command)
    assert (await compose.restores.left(compose.target)).commands == ()


async def without_stages(project: ComposeProject) -> None:
    """Removes what other tests have kept beside the project's files."""
    for stage in project.directory.rglob(".opsbell-*"):
        await asyncio.to_thread(shutil.rmtree, stage, ignore_errors=True)
    await project.exec("web", "sh", "-c", "rm -rf /app/.opsbell-* /app/logs/.opsbell-*")


async def test_nothing_leaves_its_place_where_the_unpacked_is_gone(
    compose: Bench, grandvps: ComposeProject
) -> None:
    """As after a container was made anew between the two steps."""
    target = compose.backups.targets.get(compose.target)
    stage = await find_stage(target, "web", "/app/logs", "logs-gone")
    await grandvps.exec("web", "mkdir", stage.stage)
    await grandvps.exec("web", "sh", "-c", "echo kept >/app/logs/of-today.log")
    with pytest.raises(Failed, match="is not there"):
        await move(target, stage, 1, "opsbell restore test", into=True)
    assert "kept" in await grandvps.exec("web", "cat", "/app/logs/of-today.log")
    await remove(target, stage)


async def test_an_older_server(
    tmp_path: Path, grandvps15: ComposeProject, database: Database, queue: Queue
) -> None:
    """PostgreSQL 15, also with a dump by a newer pg_dump, which sets what it does not know."""
    url = grandvps15.database_url
    settings = settings_of(grandvps15, tmp_path / "store", grandvps15.database)
    taken = await contents(url)
    async with open_bench(settings, database, queue) as bench:
        await bench.backups.make()
        execute(url, "drop table payments cascade")
        await bench.restored()
        assert await contents(url) == taken
        argv = ("pg_dump", "-U", grandvps15.user, grandvps15.database)
        script = "SET transaction_timeout = 0;\n" + await grandvps15.exec("db", *argv)
        (bench.backups.store / "newer.sql").write_text(script)
        execute(url, "drop table payments cascade")
        await bench.restored("file:newer.sql")
        assert await contents(url) == taken
