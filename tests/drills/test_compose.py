"""Drills of a real Compose project: a scratch server of production's image, and nothing left."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from bot.backups.model import Manifest
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from bot.words import count
from tests.backups.conftest import ALICE, compose_settings
from tests.backups.test_verifying import set_file
from tests.drills.conftest import DrillBench, open_drills, with_policy
from tests.drills.tools import (
    facts_of,
    inspect,
    scratch_containers,
    volumes,
    volumes_of,
    wait_for_scratch,
    watch_scratch,
)
from tests.parts.compose_project import ComposeProject, run

pytestmark = [
    pytest.mark.needs("docker", "compose", "postgres-image", "web-image"),
    # A scratch server gets little of a busy machine, on purpose.
    pytest.mark.timeout(600),
]


def all_rows(manifest: Manifest) -> str:
    """What is said of a set that came back whole."""
    return f"{count(sum(manifest.tables.values()), 'row')} in 4 tables as in the manifest"


async def test_a_good_set_is_proven_and_nothing_is_left(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    path, manifest = await compose.bench.make()
    async with watch_scratch(grandvps) as seen:
        operation = await compose.good()
    assert operation.plan.facts["set"] == path.name
    assert operation.results()["drill.restore"]["tables"]["public.payments"] == 3000
    verdict = (await compose.results.verdicts(compose.bench.target))[path.name]
    assert verdict.good
    assert all_rows(manifest) in verdict.summary
    assert await scratch_containers(grandvps) == []
    databases = await grandvps.psql("select datname from pg_database order by 1")
    assert databases.split() == ["grandvps_prod", "postgres", "template0", "template1"]
    # What it was while it was there: production's image without its secrets, and out of the way.
    facts = facts_of(seen)
    assert facts["Image"] == await image_of(grandvps)
    assert grandvps.canary not in json.dumps(facts)
    assert facts["HostConfig"]["NetworkMode"] == "none"
    assert not facts["HostConfig"]["PortBindings"]
    assert facts["HostConfig"]["Memory"] > 0
    assert facts["HostConfig"]["CpuShares"] < 1024
    assert facts["Config"]["User"] not in ("", "0", "root")


async def image_of(project: ComposeProject) -> str:
    return (
        await run("docker", "inspect", "--format", "{{.Image}}", project.container("db"))
    ).strip()


async def test_of_an_older_postgresql_too(
    grandvps15: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    settings = compose_settings(grandvps15, tmp_path / "store")
    async with open_drills(settings, database, queue) as drills:
        await drills.bench.make("database")
        operation = await drills.good()
    place = next(s for s in operation.steps if s.planned.kind == "drill.place")
    assert place.note.startswith("PostgreSQL 15, ")
    assert await scratch_containers(grandvps15) == []


async def test_corrupted_and_tampered_sets_are_caught(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    path, manifest = await compose.bench.make("database")
    dump = path / "database.dump"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    assert "does not have the checksum" in (await compose.bad(path.name)).error
    # Cut off with a checksum that fits: only restoring it tells.
    dump.write_bytes(whole[: len(whole) // 2])
    files = [f for f in manifest.files if f.path != dump.name] + [set_file(dump)]
    told = json.loads((path / "manifest.json").read_text())
    changed = {**told, "files": [file.model_dump() for file in files]}
    (path / "manifest.json").write_text(json.dumps(changed))
    assert "cannot be restored" in (await compose.bad(path.name)).error
    # Rows that the manifest has and the dump does not.
    dump.write_bytes(whole)
    rows = {**told["tables"], "public.users": 1001, "public.gone": 5}
    (path / "manifest.json").write_text(json.dumps({**told, "tables": rows}))
    error = (await compose.bad(path.name)).error
    assert "public.gone is missing; public.users has" in error
    assert await scratch_containers(grandvps) == []
    (path / "manifest.json").write_text(json.dumps(told))
    await compose.good(path.name)


async def test_assertions_are_asked_as_production_would_be(
    grandvps: ComposeProject, tmp_path: Path, database: Database
) -> None:
    @contextlib.asynccontextmanager
    async def asking(*questions: str) -> AsyncIterator[DrillBench]:
        settings = compose_settings(grandvps, tmp_path / "store")
        queue = Queue(database)
        await queue.open()
        asked = with_policy(settings, assertions=questions)
        async with open_drills(asked, database, queue) as drills:
            yield drills

    right = ["select count(*) = 500 from tickets;", "select bool_and(amount > 0) from payments"]
    await grandvps.psql(
        "create schema support; create view support.tickets as select * from support_tickets;"
        " alter database grandvps_prod set search_path to support, public"
    )
    async with asking(*right) as drills:
        path, _ = await drills.bench.make("database")
        assert "2 assertions true" in (await drills.good()).steps[-2].note
    async with asking(*right, "select count(*) > 5000 from users") as drills:
        error = (await drills.bad(path.name)).error
        assert "assertion 3 is false: select count(*) > 5000 from users" in error
    async with asking("select count(*) > 5 from userz") as drills:
        error = (await drills.without_verdict(path.name)).error
        assert 'relation "userz" does not exist' in error
    async with asking("delete from support_tickets returning true") as drills:
        error = (await drills.without_verdict(path.name)).error
        assert "read-only transaction" in error
    assert await scratch_containers(grandvps) == []


async def test_while_production_is_under_load(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    _, manifest = await compose.bench.make("database")
    stop = asyncio.Event()

    async def write() -> int:
        rounds = 0
        async with await psycopg.AsyncConnection.connect(
            grandvps.database_url, autocommit=True
        ) as connection:
            while not stop.is_set():
                await connection.execute(
                    "insert into payments (user_id, amount, status, created_at)"
                    " select 1, 1, 'paid', now() from generate_series(1, 50)"
                )
                rounds += 1
        return rounds

    writing = asyncio.create_task(write())
    try:
        operation = await compose.good()
    finally:
        stop.set()
    assert await writing > 10
    assert all_rows(manifest) in operation.steps[-2].note


async def test_extensions_and_preloaded_libraries_come_along(
    own_grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    await own_grandvps.psql("alter system set shared_preload_libraries = 'pg_stat_statements'")
    await own_grandvps.compose("restart", "db")
    await own_grandvps.compose("up", "--detach", "--wait", "db")
    await own_grandvps.psql("alter system set pg_stat_statements.max = 4321")
    await own_grandvps.compose("restart", "db")
    await own_grandvps.compose("up", "--detach", "--wait", "db")
    # The view is filled from the library, also when it is restored.
    await own_grandvps.psql(
        "create extension pg_trgm; create extension hstore; create extension pgcrypto;"
        " create extension pg_stat_statements;"
        " create index on users using gin (name gin_trgm_ops);"
        " create table attributes (id int, a hstore); insert into attributes values (1, 'a=>1');"
        " create materialized view counted as select count(*) from pg_stat_statements"
    )
    settings = with_policy(
        compose_settings(own_grandvps, tmp_path / "store"),
        assertions=["select current_setting('pg_stat_statements.max') = '4321'"],
    )
    async with open_drills(settings, database, queue) as drills:
        await drills.bench.make("database")
        operation = await drills.good()
    place = next(s for s in operation.steps if s.planned.kind == "drill.place")
    assert "with pg_stat_statements" in place.note


async def test_two_targets_are_drilled_at_once(
    grandvps: ComposeProject, grandvps15: ComposeProject, tmp_path: Path, database: Database
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        benches = []
        for name, project in (("newer", grandvps), ("older", grandvps15)):
            queue = Queue(database)
            await queue.open()
            settings = compose_settings(project, tmp_path / "store")
            renamed = {key: {name: settings[key]["grandvps"]} for key in settings}
            opened = open_drills(renamed, database, queue)
            benches.append(await stack.enter_async_context(opened))
        for each in benches:
            await each.bench.make("database")
        first, second = await asyncio.gather(*(each.good() for each in benches))
    assert first.started
    assert second.started
    assert first.finished
    assert second.finished
    assert max(first.started, second.started) < min(first.finished, second.finished)
    for project in (grandvps, grandvps15):
        assert await scratch_containers(project) == []


async def test_a_cancelled_drill_leaves_nothing(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    await compose.bench.make("database")
    number = await compose.request()
    running = asyncio.create_task(compose.bench.engine.run(number))
    container = await wait_for_scratch(grandvps)
    facts = await inspect(container)
    async with compose.bench.database.transaction() as tx:
        await tx.execute("update operations set cancel_by = %s where id = %s", (ALICE, number))
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    operation = await compose.bench.operations.get(number)
    assert operation.state is OperationState.CANCELLED, operation.error
    assert await scratch_containers(grandvps) == []
    assert not volumes_of(facts) & await volumes()


async def test_a_directory_of_a_dump_is_restored_too(
    grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue
) -> None:
    settings = compose_settings(grandvps, tmp_path / "store")
    async with open_drills(settings, database, queue) as drills:
        path, manifest = await drills.bench.make("database")
        # The same set as several sessions would have dumped it.
        await grandvps.exec(
            "db", "pg_dump", "-U", grandvps.user, "-Fd", "-j2", "-f", "/tmp/dump", grandvps.database
        )
        await run("docker", "cp", f"{grandvps.container('db')}:/tmp/dump", str(path / "database"))
        await grandvps.exec("db", "rm", "-r", "/tmp/dump")
        (path / "database.dump").unlink()
        files = [file for file in manifest.files if file.path != "database.dump"]
        files += [
            set_file(each).model_copy(update={"path": f"database/{each.name}"})
            for each in (path / "database").iterdir()
        ]
        told = json.loads((path / "manifest.json").read_text())
        told["files"] = [file.model_dump() for file in files]
        (path / "manifest.json").write_text(json.dumps(told))
        operation = await drills.good()
        assert all_rows(manifest) in operation.steps[-2].note
        one = next((path / "database").glob("*.dat.gz"))
        one.write_bytes(one.read_bytes()[:-1])
        assert f"database/{one.name} has" in (await drills.bad()).error


@pytest.mark.parametrize(
    "options",
    [
        "locale_provider icu icu_locale 'de-DE'",
        "locale_provider builtin builtin_locale 'C.UTF-8'",
        "encoding 'LATIN1' locale 'C'",
    ],
)
async def test_odd_names_encodings_and_locales(
    grandvps: ComposeProject, tmp_path: Path, database: Database, queue: Queue, options: str
) -> None:
    name = 'it\'s an "odd" Näme'
    quoted = '"' + name.replace('"', '""') + '"'
    await grandvps.psql(f"create database {quoted} template template0 {options}", "postgres")
    try:
        await grandvps.psql(
            "create table words (w text primary key); insert into words values ('Öl'), ('Zug'),"
            " ('a')",
            f"dbname='{name.replace(chr(39), chr(92) + chr(39))}'",
        )
        settings = compose_settings(grandvps, tmp_path / "store")
        settings["targets"]["grandvps"]["database"]["name"] = name
        same = with_policy(
            settings,
            assertions=[
                "select (datlocprovider, pg_encoding_to_char(encoding)) = "
                + {"icu": "('i', 'UTF8')", "bui": "('b', 'UTF8')"}.get(
                    options.removeprefix("locale_provider ")[:3], "('c', 'LATIN1')"
                )
                + " from pg_database where datname = current_database()"
            ],
        )
        async with open_drills(same, database, queue) as drills:
            await drills.bench.make("database")
            operation = await drills.good()
        assert "3 rows in 1 table" in operation.steps[-2].note
    finally:
        await grandvps.psql(f"drop database {quoted}", "postgres")
