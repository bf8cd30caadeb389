"""Restores of a real Compose project, through Docker: extensions, files in a container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.operations.model import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import compose_settings
from tests.backups.sample import contents, tree
from tests.parts.compose_project import ComposeProject, run
from tests.restores.bench import Bench, open_bench
from tests.restores.test_database import databases, execute, name_of
from tests.restores.world import make_world

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


@pytest.fixture
async def compose(
    tmp_path: Path, grandvps: ComposeProject, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Restores of the Compose project with PostgreSQL 17."""
    settings = compose_settings(grandvps, tmp_path / "store")
    settings["targets"]["grandvps"]["maintenance"] = {"file": "maintenance_mode.txt"}
    async with open_bench(settings, database, queue) as bench:
        yield bench


async def schema(project: ComposeProject, database: str) -> str:
    dumped = await project.exec("db", "pg_dump", "-U", project.user, "--schema-only", database)
    return "\n".join(line for line in dumped.splitlines() if "restrict" not in line)


async def test_everything_comes_back(compose: Bench, grandvps: ComposeProject) -> None:
    url, name = grandvps.database_url, grandvps.database
    await asyncio.to_thread(make_world, url, extensions=True)
    taken, taken_schema = await contents(url), await schema(grandvps, name)
    logs = tree(grandvps.directory / "logs")
    media = tree(grandvps.directory / "media")
    await compose.backups.make()
    execute(url, "drop extension pg_trgm cascade; truncate payments; create table since (n int)")
    (grandvps.directory / "logs" / "access.log").write_text("since\n")
    (grandvps.directory / "media" / "since.png").write_bytes(b"since")
    changed, changed_schema = await contents(url), await schema(grandvps, name)
    operation = await compose.restored()
    assert (await contents(url), await schema(grandvps, name)) == (taken, taken_schema)
    assert "tables" in next(s.note for s in operation.steps if s.planned.kind == "restore.load")
    after = tree(grandvps.directory / "logs")
    assert {path: after[path] for path in logs} == logs
    assert tree(grandvps.directory / "media") == media
    # The containers see what this machine sees: their mounts are the ones that they were.
    seen = await grandvps.exec("web", "cat", "/app/logs/access.log")
    assert seen.startswith("203.0.113.7")
    await compose.undone()
    assert (await contents(url), await schema(grandvps, name)) == (changed, changed_schema)
    assert (grandvps.directory / "logs" / "access.log").read_text() == "since\n"
    assert (grandvps.directory / "media" / "since.png").exists()
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
    await compose.backups.make("database")
    url, container = grandvps.database_url, grandvps.container("db")
    before, named = await contents(url), databases(url)
    make_disk = (
        "mkdir /small && mount -t tmpfs -o size=24m,mode=700,uid=$(id -u postgres) small /small"
    )
    await run("docker", "exec", "--privileged", "-u", "0", container, "sh", "-c", make_disk)
    await grandvps.psql("create tablespace small location '/small'", "postgres")
    move = f"alter database {grandvps.database} set tablespace"
    await grandvps.psql(f"{move} small", "postgres")
    operation = await compose.run("restore", set="latest", backup=False)
    assert operation.state is OperationState.FAILED
    assert "No space left on device" in operation.error
    assert "could not be undone" not in operation.error
    assert databases(url) == named
    assert await contents(url) == before
    assert name_of(url) in named
    await grandvps.psql(f"{move} pg_default", "postgres")
    await grandvps.psql("drop tablespace small", "postgres")
