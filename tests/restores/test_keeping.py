"""What a restore has replaced is kept for as long as it should be, and no longer; and roles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.errors import NotFound, Refused
from bot.restores import databases, roles
from bot.restores.loading import Dump, load
from bot.restores.meter import LoadMeter
from bot.restores.model import MOVE, SWAP
from bot.restores.running import dumps_directory
from bot.words import utc_now
from tests.restores.bench import Bench, Heard, host_server
from tests.restores.test_files import application, stages
from tests.restores.world import databases as names
from tests.restores.world import dump_to, execute, name_of, url_of


async def age(bench: Bench, by: timedelta) -> None:
    """Lets time pass for what is kept."""
    await bench.backups.database.execute("update kept set until = until - %s", (by,))


async def test_it_goes_when_its_time_is_up(host: Bench, world: str) -> None:
    await host.backups.make("database", "media")
    await host.restored(parts=["database", "media"], backup=False)
    kept = await host.restores.kept(host.target)
    assert {one.part for one in kept} == {"database", "media"}
    for one in kept:
        await host.restores.keeping.remove_old(one.id)
    assert len(names(world)) == 2
    await age(host, timedelta(hours=25))
    for one in kept:
        await host.restores.keeping.remove_old(one.id)
    assert {*names(world)} == {name_of(world)}
    assert stages(application(host)) == []
    assert await host.restores.kept(host.target) == []
    operation = await host.backups.operations.get(kept[0].operation)
    notes = {step.planned.kind: step.note for step in operation.steps}
    assert notes[SWAP] == notes[MOVE] == "what was there is no longer kept"
    with pytest.raises(NotFound, match="no restore of grandvps to undo"):
        await host.request("restore-undo")


async def test_what_cannot_be_removed_is_tried_again_in_an_hour(host: Bench, world: str) -> None:
    await host.backups.make("database")
    await host.restored(parts=["database"], backup=False)
    [kept] = await host.restores.kept(host.target)
    await age(host, timedelta(hours=25))
    execute(url_of(world, "postgres"), f'alter database "{kept.place["database"]}" rename to mine')
    execute(url_of(world, "postgres"), f'create database "{kept.place["database"]}"')
    try:
        await host.restores.keeping.remove_old(kept.id)
        [still] = await host.restores.kept(host.target)
        assert timedelta(minutes=59) < still.until - utc_now() <= timedelta(hours=1)
        jobs = await waiting_removals(host, kept.id)
        # Another job of the same, as each start makes one, does not make a third.
        await host.restores.keeping.remove_old(kept.id)
        assert await waiting_removals(host, kept.id) == jobs
        assert still.until in jobs
    finally:
        execute(url_of(world, "postgres"), f'drop database "{kept.place["database"]}"')
    execute(url_of(world, "postgres"), f'alter database mine rename to "{kept.place["database"]}"')
    await age(host, timedelta(hours=2))
    await host.restores.keeping.remove_old(kept.id)
    assert {*names(world)} == {name_of(world)}


async def test_what_an_operation_that_was_cut_off_may_need_stays(host: Bench, world: str) -> None:
    await host.backups.make("database")
    await host.restored(parts=["database"], backup=False)
    [kept] = await host.restores.kept(host.target)
    await age(host, timedelta(hours=25))
    stands = "update operations set state = 'interrupted', course = %s where id = %s"
    await host.backups.database.execute(stands, ("choose", kept.operation))
    await host.restores.keeping.remove_old(kept.id)
    assert await host.restores.kept(host.target)
    await host.backups.database.execute(stands, ("leave", kept.operation))
    await age(host, timedelta(hours=2))
    await host.restores.keeping.remove_old(kept.id)
    assert {*names(world)} == {name_of(world)}


async def waiting_removals(bench: Bench, kept: int) -> list[datetime]:
    """When the removals of one that are queued will be tried."""
    async with bench.backups.database.transaction() as tx:
        rows = await tx.all(
            "select scheduled_at from procrastinate_jobs"
            " where status = 'todo' and args->>'kept' = %s order by scheduled_at",
            (str(kept),),
        )
    return [row["scheduled_at"] for row in rows]


async def test_what_was_put_back_is_not_removed(host: Bench, world: str) -> None:
    await host.backups.make("database")
    await host.restored(parts=["database"], backup=False)
    [first] = await host.restores.kept(host.target)
    await host.undone()
    await age(host, timedelta(hours=25))
    await host.restores.keeping.remove_old(first.id)
    assert len(names(world)) == 2
    [second] = await host.restores.kept(host.target)
    await host.restores.keeping.remove_old(second.id)
    assert {*names(world)} == {name_of(world)}


async def test_an_undo_of_what_is_gone_is_refused(host: Bench, world: str) -> None:
    await host.backups.make("database")
    await host.restored(parts=["database"], backup=False)
    number = await host.request("restore-undo")
    await age(host, timedelta(hours=25))
    [kept] = await host.restores.kept(host.target)
    await host.restores.keeping.remove_old(kept.id)
    await host.backups.engine.run(number)
    operation = await host.backups.operations.get(number)
    assert "no longer kept" in operation.error
    assert {*names(world)} == {name_of(world)}


async def test_a_set_that_holds_no_such_part_is_refused(host: Bench) -> None:
    path, _ = await host.backups.make("database")
    with pytest.raises(Refused, match="holds no media"):
        await host.request("restore", set=path.name, parts=["media"])
    with pytest.raises(NotFound, match="There is no"):
        await host.request("restore", set="file:gone.sql")
    assert dumps_directory(host.backups.backups, host.target).exists()


@pytest.fixture
def without_roles(world: str) -> Iterator[str]:
    """The same database after its roles are gone."""
    yield world
    for role in ('"Reader, of ""all"" things"', "app_reader", "app_owner"):
        execute(url_of(world, "postgres"), f"drop role if exists {role}")


async def test_roles_that_are_missing_are_made_and_taken_back(
    without_roles: str, tmp_path: Path
) -> None:
    url, name = without_roles, name_of(without_roles)
    execute(url, "alter role app_owner createdb; comment on role app_reader is 'of the app'")
    execute(url, "create role unrelated")
    script = (
        "\\restrict abc\nCREATE ROLE app_owner;\nALTER ROLE app_owner WITH NOSUPERUSER CREATEDB;\n"
        'CREATE ROLE "Reader, of ""all"" things";\nCREATE ROLE app_reader;\n'
        "CREATE ROLE unrelated;\n"
        "ALTER ROLE app_reader SET work_mem TO '5MB';\n"
        'GRANT app_reader TO "Reader, of ""all"" things" WITH INHERIT TRUE GRANTED BY postgres;\n'
        "\\unrestrict abc\n"
    )
    (tmp_path / "globals.sql").write_text(script)
    path = await asyncio.to_thread(dump_to, url, tmp_path / "database.dump", "--format=custom")
    execute(url_of(url, "postgres"), f'drop database "{name}" with (force)')
    for role in ('"Reader, of ""all"" things"', "app_reader", "app_owner", "unrelated"):
        execute(url_of(url, "postgres"), f"drop role {role}")
    execute(url_of(url, "postgres"), f'create database "{name}"')
    async with host_server(url) as server:
        await databases.create(server, "with_roles", like=name)
        dump = Dump(path, tmp_path / "globals.sql")
        loaded = await load(server, dump, "with_roles", meter=LoadMeter(Heard()))
        made = ("app_owner", 'Reader, of "all" things', "app_reader")
        assert loaded.roles == made
        with psycopg.connect(url) as connection:
            found = connection.execute(
                "select rolcreatedb, pg_has_role(%s, 'app_reader', 'member')"
                " from pg_roles where rolname = 'app_owner'",
                (made[1],),
            ).fetchone()
        assert found == (True, True)
        await databases.drop(server, "with_roles")
        await roles.drop_made_roles(server)
        with psycopg.connect(url) as connection:
            left = connection.execute(
                "select count(*) from pg_roles where rolname = any(%s)", (list(made),)
            ).fetchone()
        assert left == (0,)
