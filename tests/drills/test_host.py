"""Drills on this machine: a database of its own on production's server, and nothing left there."""

import asyncio
import errno
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.drills import places
from bot.drills.model import Loaded
from bot.drills.sql import Session
from bot.operations.model import StepContext
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.model import DatabasePlace, Target
from tests.backups.conftest import host_settings
from tests.backups.sample import ROWS, fill, make_application
from tests.backups.test_verifying import set_file
from tests.drills.conftest import DrillBench, open_drills
from tests.parts.postgres import PostgresServer


def databases(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("select datname from pg_database")}


def roles(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("select rolname from pg_roles")}


def write_manifest(path: Path, **changes: object) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, **changes}))


async def test_a_good_set_is_proven_and_nothing_is_left(
    host: DrillBench, application_url: str
) -> None:
    path, _ = await host.bench.make()
    before = databases(application_url)
    operation = await host.good(path.name)
    assert operation.results()["drill.restore"]["tables"] == ROWS
    verdict = (await host.results.verdicts("grandvps"))[path.name]
    assert (verdict.good, verdict.by, verdict.operation) == (
        True,
        "slack:U0ALICE001",
        operation.id,
    )
    assert "4\N{NARROW NO-BREAK SPACE}032 rows in 7 tables as in the manifest" in verdict.summary
    assert databases(application_url) == before
    found = await host.bench.backups.find("grandvps", path.name)
    assert found.good
    assert found.verdict == verdict


async def test_only_what_this_opsbell_has_left_is_removed(
    host: DrillBench, application_url: str, tmp_path: Path
) -> None:
    target = host.bench.targets.get("grandvps")
    live = Session(target, target.database(), "a test")
    ours, theirs, next_ours = (
        places.DatabaseInPlace(live, f"opsbell_drill_{number}", owner)
        for number, owner in enumerate(("ours", "theirs", "ours"))
    )
    before = databases(application_url)
    await ours.make(1)
    made = await theirs.make(1)
    assert databases(application_url) - before == {"opsbell_drill_0", "opsbell_drill_1"}
    next_made = await next_ours.make(1)
    assert databases(application_url) - before == {"opsbell_drill_1", "opsbell_drill_2"}
    await theirs.remove(made, ())
    await next_ours.remove(next_made, ())
    assert databases(application_url) == before


async def test_a_set_without_a_database_is_read_to_its_end(host: DrillBench) -> None:
    await host.bench.make("media")
    operation = await host.good()
    assert [step.planned.kind for step in operation.steps] == ["drill.check", "drill.conclude"]
    assert "as they were written" in operation.steps[-1].note


async def test_without_a_word_the_newest_with_a_database_is_meant(host: DrillBench) -> None:
    path, _ = await host.bench.make("database")
    await host.bench.make("media")
    plan = await host.drills.plan("grandvps", {})
    assert plan.facts["set"] == path.name


async def test_one_corrupted_byte_is_caught(host: DrillBench, application_url: str) -> None:
    path, _ = await host.bench.make("database")
    before = databases(application_url)
    dump = bytearray((path / "database.dump").read_bytes())
    dump[len(dump) // 2] ^= 0xFF
    (path / "database.dump").write_bytes(dump)
    operation = await host.bad()
    assert "does not have the checksum" in operation.error
    assert "Take a new one now" in operation.error
    assert databases(application_url) == before


async def test_a_file_that_is_gone_condemns_and_one_that_is_shut_away_does_not(
    host: DrillBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = await host.bench.make("media")
    archive = path / "media.tar.zst"
    opened = Path.open

    def shut(self: Path, *arguments: Any, **named: Any) -> Any:
        if self == archive:
            raise OSError(errno.ESTALE, "Stale file handle", str(self))
        return opened(self, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", shut)
        assert "Stale file handle" in (await host.without_verdict(path.name)).error
    archive.rename(path / "elsewhere")
    assert "media.tar.zst is not readable: No such file" in (await host.bad(path.name)).error


async def test_missing_rows_are_caught(host: DrillBench) -> None:
    path, manifest = await host.bench.make("database")
    write_manifest(path, tables={**manifest.tables, "public.payments": 3001})
    operation = await host.bad()
    assert "public.payments has 3\N{NARROW NO-BREAK SPACE}000 rows instead of" in operation.error


async def test_a_dump_that_does_not_restore_is_caught(host: DrillBench, tmp_path: Path) -> None:
    path, manifest = await host.bench.make("database")
    # Whole as far as checksums go, and still no dump to its end.
    dump = path / "database.dump"
    cut = dump.read_bytes()[:-3000]
    dump.write_bytes(cut)
    files = [f for f in manifest.files if f.path != dump.name] + [set_file(dump)]
    write_manifest(path, files=[file.model_dump() for file in files])
    operation = await host.bad()
    assert "cannot be restored" in operation.error


async def test_a_set_that_failed_can_be_cleared_by_another_drill(host: DrillBench) -> None:
    path, _ = await host.bench.make("media")
    archive = path / "media.tar.zst"
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    await host.bad(path.name)
    archive.write_bytes(content)
    await host.good(path.name)
    found = await host.bench.backups.find("grandvps", path.name)
    assert found.good


async def test_missing_roles_are_made_and_removed_again(
    host: DrillBench, application_url: str
) -> None:
    fill(
        application_url,
        'create role "drill\'s ""own"" role"; grant select on users to "drill\'s ""own"" role"',
    )
    try:
        await host.bench.make("database")
        fill(
            application_url,
            'drop owned by "drill\'s ""own"" role"; drop role "drill\'s ""own"" role"',
        )
        before = roles(application_url)
        await host.good()
        assert roles(application_url) == before
    finally:
        fill(application_url, 'drop role if exists "drill\'s ""own"" role"')


async def test_a_role_that_may_make_no_database_says_nothing_about_the_set(
    postgres: PostgresServer, tmp_path: Path, database: Database, queue: Queue
) -> None:
    directory = tmp_path / "application"
    make_application(directory)
    postgres.execute("create role drill_plain login")
    try:
        with postgres.new_database() as url:
            fill(url, "grant create on schema public to drill_plain")
            theirs = url.replace("postgres@", "drill_plain@")
            fill(theirs, "create table orders (id int); insert into orders values (1)")
            settings = host_settings(directory, theirs, tmp_path / "store")
            async with open_drills(settings, database, queue) as drills:
                await drills.bench.make("database")
                operation = await drills.without_verdict()
                assert "permission denied to create database" in operation.error
                assert "alter role … createdb" in operation.error
                assert "could not be undone" not in operation.error
                fill(url, "alter role drill_plain createdb")
                await drills.good()
    finally:
        postgres.execute("drop role drill_plain")


DJANGO = """
    create table django_migrations (
        id bigint generated always as identity, app text, name text, applied timestamptz);
    insert into django_migrations (app, name, applied)
        values ('auth', '0001_initial', now() - interval '9 days'),
               ('shop', '0001_initial', now() - interval '8 days')
"""


async def test_migrations_are_compared_with_productions(
    host: DrillBench, application_url: str
) -> None:
    fill(application_url, DJANGO)
    path, _ = await host.bench.make("database")
    result = (await host.good()).steps[-2].note
    assert result.endswith("2 migrations, as in production")
    fill(
        application_url,
        "insert into django_migrations (app, name, applied)"
        " values ('shop', '0002_prices', now() + interval '1 minute')",
    )
    result = (await host.good(path.name)).steps[-2].note
    assert result.endswith("2 migrations, 1 applied in production since")
    fill(application_url, "delete from django_migrations where app = 'auth'")
    result = (await host.good(path.name)).steps[-2].note
    assert result.endswith("⚠️ production does not have auth.0001_initial")


async def test_a_disk_without_room_ends_it_before_production_has_none(
    tmp_path: Path,
    application_url: str,
    database: Database,
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def loads_for_ever(
        target: Target, place: DatabasePlace, directory: Path, mark: str, context: StepContext
    ) -> Loaded:
        free.append(places.SPARE // 2 - 1)
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def seen(directory: str) -> int:
        assert Path(directory).is_absolute()  # the data directory of the server on this machine
        return free[-1]

    free = [places.SPARE]
    monkeypatch.setattr(places, "_free", seen)
    monkeypatch.setattr("bot.drills.steps._LOOK_EVERY", 0.1)
    make_application(tmp_path / "application")
    settings = host_settings(tmp_path / "application", application_url, tmp_path / "store")
    before = databases(application_url)
    async with open_drills(settings, database, queue, load=loads_for_ever) as drills:
        await drills.bench.make("database")
        operation = await drills.without_verdict()
        assert "Not enough space for a scratch database" in operation.error
        free.append(100 * places.SPARE)
        operation = await drills.without_verdict()
        assert "Not carried out: only 537 MB are left free" in operation.error
    assert databases(application_url) == before
