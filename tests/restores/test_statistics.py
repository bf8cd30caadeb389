"""What the planner knows of a restored database: something at once, everything soon."""

from __future__ import annotations

import psycopg

from tests.restores.bench import Bench
from tests.restores.world import execute

MANY = """
create table many (n int) partition by range (n);
create table most partition of many for values from (1) to (30000);
create table others partition of many default;
insert into many select generate_series(1, 40000);
"""


TABLES = ("many", "most", "others")


async def bounds(url: str, table: str = "many") -> int:
    """Into how many parts the planner's statistics divide the values of a column."""
    query = "select array_length(histogram_bounds::text::int[], 1) from pg_stats"
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (
            await connection.execute(f"{query} where tablename = %s".encode(), (table,))
        ).fetchone()
    return int(row[0]) if row else 0


async def test_rough_at_once_and_whole_when_it_is_live(host: Bench, world: str) -> None:
    execute(world, MANY)
    await host.backups.make("database")
    await host.restored(parts=["database"], backup=False)
    assert [await bounds(world, table) for table in TABLES] == [2, 2, 2]
    [waiting] = await host.backups.database.all(
        "select args from procrastinate_jobs where task_name = 'restore.statistics'"
    )
    await host.restores.following.follow(**waiting["args"])
    assert [await bounds(world, table) for table in TABLES] == [101, 101, 101]


async def test_what_is_no_longer_live_is_left_alone(host: Bench, world: str) -> None:
    execute(world, MANY)
    await host.backups.make("database")
    await host.restored(parts=["database"], backup=False)
    live = await host.server.database(host.server.place.name)
    assert live is not None
    await host.restores.following.follow(host.target, int(live["oid"]) + 1)
    assert await bounds(world) == 2
