"""The database is restored beside the live one, swapped in, and swapped back."""

import asyncio
from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.restores.bench import Bench
from tests.restores.world import everything, url_of


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def databases(url: str) -> dict[str, int]:
    """The databases beside the tests' own, by name."""
    with psycopg.connect(url_of(url, "postgres")) as connection:
        rows = connection.execute(
            "select datname, oid::bigint from pg_database where datallowconn"
        ).fetchall()
    own = name_of(url)
    return {str(name): int(oid) for name, oid in rows if str(name).startswith(own)}


def name_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


async def test_comes_back_as_it_was_and_goes_back(host: Bench, world: str) -> None:
    name = name_of(world)
    taken: Mapping[str, object] = await asyncio.to_thread(everything, world)
    _, manifest = await host.backups.make()
    before = databases(world)
    execute(
        world, "create table since (n int); insert into since values (1); drop table parent cascade"
    )
    changed = await asyncio.to_thread(everything, world)
    operation = await host.restored(manifest.id, parts=["database"])
    assert await asyncio.to_thread(everything, world) == taken
    after = databases(world)
    [aside] = after.keys() - {name}
    assert aside.startswith(f"{name}_before_")
    assert after[aside] == before[name]
    assert await asyncio.to_thread(everything, url_of(world, aside)) == changed
    assert operation.steps[-1].note.startswith(f"{aside} is kept until ")
    sets = await host.backups.backups.sets(host.target)
    assert [one.manifest.reason for one in sets if one.manifest] == ["before restore", "manual"]
    await host.undone()
    assert databases(world)[name] == before[name]
    assert await asyncio.to_thread(everything, world) == changed
    # What was restored is kept as well, and comes back by another undo.
    await host.undone()
    assert await asyncio.to_thread(everything, world) == taken
    assert len(databases(world)) == 2
