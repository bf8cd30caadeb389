"""A whole backup of an application on this machine."""

import asyncio
import hashlib
import os
import re
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from bot.backups.model import set_names
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import ALICE, Bench, host_settings, open_bench
from tests.backups.sample import ROWS, contents, fill, make_application, tree
from tests.backups.tools import commands, shell, unpack
from tests.parts.compose_project import run
from tests.parts.postgres import PostgresServer


async def test_a_set_holds_all_and_plain_tools_read_it(
    host: Bench, postgres: PostgresServer, application_url: str, tmp_path: Path
) -> None:
    path, manifest = await host.make()
    assert sorted(file.name for file in path.iterdir()) == [
        "RESTORE.md",
        "config.tar.zst",
        "database.dump",
        "globals.sql",
        "logs.tar.zst",
        "manifest.json",
        "media.tar.zst",
    ]
    pg_restore = host.targets.get(host.target).tool("pg_restore")
    with postgres.new_database() as empty:
        dump = str(path / "database.dump")
        await run(pg_restore, "--exit-on-error", f"--dbname={empty}", dump)
        assert await contents(empty) == await contents(application_url)
    for part in ("media", "logs", "config"):
        unpack(path / f"{part}.tar.zst", tmp_path / "unpacked")
    assert tree(tmp_path / "unpacked") == tree(host.settings.target(host.target).directory)
    assert manifest.tables == ROWS
    assert "CREATE ROLE postgres" in (path / "globals.sql").read_text()


async def test_the_manifest_says_what_the_contract_asks(host: Bench) -> None:
    operation = await host.run()
    found = await host.backups.find(host.target, "latest")
    manifest = found.good
    assert manifest
    assert found.path
    assert operation.started
    assert manifest.id == operation.started.strftime("%Y%m%dT%H%M%SZ") == found.path.name
    assert (manifest.target, manifest.reason, manifest.by) == ("grandvps", "manual", ALICE)
    assert manifest.started == operation.started <= manifest.finished
    assert manifest.tool_versions.keys() == {"opsbell", "postgresql", "pg_dump"}
    assert manifest.revision is None
    for file in manifest.files:
        data = (found.path / file.path).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
    named = {file.path for file in manifest.files} | {"manifest.json"}
    assert named == {path.name for path in found.path.iterdir()}


async def test_the_guide_restores_the_set_by_hand(
    host: Bench, application_url: str, tmp_path: Path
) -> None:
    path, _ = await host.make()
    before = await contents(application_url)
    directory = host.settings.target(host.target).directory
    files = tree(directory)
    shutil.rmtree(directory)
    with psycopg.connect(application_url, autocommit=True) as connection:
        connection.execute("drop table payments cascade")
        connection.execute("insert into users (name) values ('later')")
    try:
        await shell(commands(path / "RESTORE.md"))
        assert await contents(application_url) == before
        assert tree(directory) == files
    finally:
        await _drop_what_was_set_aside(application_url, path.name)


async def test_the_guide_finds_rows_that_are_missing(host: Bench, application_url: str) -> None:
    path, _ = await host.make("database")
    with psycopg.connect(application_url, autocommit=True) as connection:
        connection.execute("delete from users where id <= 3")
        connection.execute('insert into "Odd schema"."it\'s a ""table"".with.dots" values (8)')
    chapters = commands(path / "RESTORE.md").split("\n\n")
    names = "\n".join(
        line for line in chapters[0].splitlines() if line.startswith(("SET=", "db()"))
    )
    rows = next(c for c in commands(path / "RESTORE.md").split("db psql") if "having" in c)
    said = await shell(f"{names}\ndb psql{rows}")
    assert sorted(said.splitlines()) == [
        '"Odd schema"."it\'s a ""table"".with.dots"|7|8',
        "public.users|1000|997",
    ]


async def test_a_database_and_a_password_of_any_characters(
    postgres: PostgresServer, tmp_path: Path, database: Database, queue: Queue
) -> None:
    name = 'we\'ird = \\ "näme"'
    postgres.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = postgres.url(quote(name, safe="")).replace("//postgres@", "//postgres:canary-word@")
    fill(url)
    make_application(tmp_path / "application")
    settings = host_settings(tmp_path / "application", url, tmp_path / "store")
    made = [name]
    try:
        async with open_bench(settings, database, queue) as bench:
            path, manifest = await bench.make()
            made.append(f"{name}_before_{path.name}")
            before = await contents(url)
            fill(url, "drop table payments cascade")
            await shell(commands(path / "RESTORE.md", leave_out="Files"))
            assert await contents(url) == before
            assert manifest.tables == ROWS
            await assert_hidden(bench, path, "canary-word", "canary-in-the-environment")
    finally:
        for each in made:
            drop = sql.SQL("drop database if exists {} with (force)")
            postgres.execute(drop.format(sql.Identifier(each)))


async def assert_hidden(bench: Bench, path: Path, *secrets: str) -> None:
    """No file of a set says a secret in plain, and nothing that Opsbell has kept."""
    said = [file.read_bytes().decode(errors="replace") for file in path.iterdir()]
    for table in ("operations", "steps", "events", "posts", "procrastinate_jobs"):
        rows = await bench.database.all(
            sql.SQL("select t::text as row from {} t").format(sql.Identifier(table))
        )
        said += [row["row"] for row in rows]
    for secret in secrets:
        assert not any(secret in text for text in said)


async def test_modes_are_private_whatever_the_umask(host: Bench) -> None:
    before = os.umask(0o000)
    try:
        path, _ = await host.make()
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()} == {0o600}
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_directories_above_the_sets_that_are_missing_are_private_too(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> None:
    make_application(tmp_path / "application")
    there = tmp_path / "there"
    there.mkdir()
    there.chmod(0o755)
    settings = host_settings(tmp_path / "application", application_url, there / "a" / "store")
    async with open_bench(settings, database, queue) as bench:
        path, _ = await bench.make("logs")
    made = [path, *path.parents]
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in made[: made.index(there)]}
    assert modes.keys() >= {"a", "store", path.name}
    assert set(modes.values()) == {0o700}
    assert stat.S_IMODE(there.stat().st_mode) == 0o755


async def test_the_revision_is_that_of_the_directorys_own_repository(host: Bench) -> None:
    directory = host.settings.target(host.target).directory
    outer = ("git", "-C", str(directory.parent))
    await run(*outer, "init", "-q")
    _, without = await host.make("logs")
    assert without.revision is None
    git = ("git", "-C", str(directory), "-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    await run(*git, "init", "-q")
    await run(*git, "commit", "-q", "--allow-empty", "-m", "first")
    _, manifest = await host.make("logs")
    assert manifest.revision == (await run(*git, "rev-parse", "HEAD")).strip()


async def test_only_what_was_asked_for_is_in_the_set(host: Bench) -> None:
    path, manifest = await host.make("config", "logs")
    assert manifest.parts == {"config", "logs"}
    assert not (path / "database.dump").exists()
    assert manifest.tables == {}


async def test_a_name_that_is_taken_gets_a_number(host: Bench) -> None:
    for second in range(30):
        name = next(set_names(datetime.now(UTC) + timedelta(seconds=second)))
        (host.store / name).mkdir(parents=True)
    path, manifest = await host.make("logs")
    assert path.name == manifest.id
    assert manifest.id.endswith("Z-2")


async def test_a_name_that_was_pruned_is_not_given_again(host: Bench) -> None:
    path, manifest = await host.make("logs")
    path.rename(path.with_name(f"{path.name}-3"))
    store = host.backups.store(host.target)
    assert await store.free_name(manifest.started, []) == f"{path.name}-4"
    tomorrow = manifest.started + timedelta(days=1)
    assert await store.free_name(tomorrow, []) == next(set_names(tomorrow))


async def test_a_backup_never_removes_itself(host: Bench) -> None:
    """As where the clock was set back: those before it bear later times."""
    for seconds in (100, 200):
        path, manifest = await host.make("logs")
        later = manifest.started + timedelta(seconds=seconds)
        name = next(set_names(later))
        moved = manifest.model_copy(update={"id": name, "started": later})
        (path / "manifest.json").write_text(moved.model_dump_json())
        path.rename(path.with_name(name))
    newest, _ = await host.make("logs")
    assert len(host.entries()) == 3
    assert newest.name == host.entries()[0]


async def test_the_result_compares_with_the_set_before(host: Bench, application_url: str) -> None:
    first = await host.run("database", "media")
    with psycopg.connect(application_url, autocommit=True) as connection:
        connection.execute("truncate users, payments")
    second = await host.run("database", "media")
    assert [first.state, second.state] == [OperationState.DONE] * 2
    notes = [step.note for step in second.steps if step.planned.kind == "backup.publish"]
    assert notes[0].startswith("⚠️ the database is much smaller than before · database ")
    # Where midnight came between the two, it says the day instead of the time.
    assert re.search(" % less than (at|on) ", notes[0])
    assert re.search(", the same as (at|on) ", notes[0])
    assert second.results()["backup.publish"]["warnings"]
    assert not first.results()["backup.publish"]["warnings"]


async def test_old_sets_go_after_a_good_backup_alone(host: Bench) -> None:
    full, _ = await host.make()
    for _ in range(3):
        await host.make("logs")
    assert full.name in host.entries()
    assert len(host.entries()) == 3  # keep.last is 2, of each kind
    target = host.settings.target(host.target).directory
    (target / "logs").rename(target / "elsewhere")
    before = host.entries()
    failed = await host.run()
    assert failed.state is OperationState.FAILED
    assert host.entries() == before


@pytest.mark.parametrize("include", [[], ["database"]])
async def test_the_newest_is_the_newest_that_holds_all(host: Bench, include: list[str]) -> None:
    assert await host.backups.newest(host.target) is None
    _, manifest = await host.make(*include)
    await asyncio.sleep(0)
    await host.make("logs")
    expected = manifest.finished if not include else None
    assert await host.backups.newest(host.target) == expected


async def _drop_what_was_set_aside(url: str, set_id: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("select current_database()").fetchone()
        assert row
        connection.execute(f'drop database "{row[0]}_before_{set_id}"'.encode())
