"""The database's user is its owner and no superuser, as on many a host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.sample import contents
from tests.parts.postgres import PostgresServer
from tests.restores.bench import Bench, host_settings, open_bench
from tests.restores.world import databases, execute, name_of, own

TABLES = """
create table users (id bigserial primary key, name text);
insert into users (name) select 'user ' || i from generate_series(1, 500) i;
create view named as select name from users;
"""


@pytest.fixture
def owned(postgres: PostgresServer) -> Iterator[str]:
    """The database's URL as its owner, who may make databases."""
    with postgres.new_database() as url:
        name = name_of(url)
        execute(url, "create role plain_owner login createdb")
        execute(url, f"alter database {name} owner to plain_owner")
        execute(url, f"revoke connect on database {name} from public")
        uri = url.replace("postgres@", "plain_owner@")
        execute(uri, TABLES)
        yield uri
        for each in databases(url):
            drop = sql.SQL("drop database {} with (force)").format(sql.Identifier(each))
            postgres.execute(drop)
        postgres.execute("drop role plain_owner")


@pytest.fixture
async def bench(
    tmp_path: Path, owned: str, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    async with open_bench(host_settings(tmp_path, owned), database, queue) as opened:
        yield opened


async def test_may_restore_and_undo(bench: Bench, owned: str) -> None:
    taken, belongs = await contents(owned), await asyncio.to_thread(own, owned)
    await bench.backups.make("database")
    execute(owned, "drop view named; delete from users")
    changed = await contents(owned)
    session = await psycopg.AsyncConnection.connect(owned)
    await session.execute("select * from users for update")
    await bench.restored(parts=["database"])
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        await session.commit()
    await session.close()
    assert await contents(owned) == taken
    assert await asyncio.to_thread(own, owned) == belongs
    await bench.undone()
    assert await contents(owned) == changed


async def test_a_session_of_someone_else_keeps_all_as_it_is(bench: Bench, owned: str) -> None:
    await bench.backups.make("database")
    execute(owned, "delete from users")
    before, named = await contents(owned), databases(owned)
    superuser = owned.replace("plain_owner@", "postgres@")
    async with await psycopg.AsyncConnection.connect(superuser) as session:
        operation = await bench.run("restore", set="latest", parts=["database"], backup=False)
        await session.execute("select 1")
    assert operation.state is OperationState.FAILED
    assert "is being accessed by other users" in operation.error
    assert "could not be undone" not in operation.error
    assert await contents(owned) == before
    assert databases(owned) == named


async def test_without_the_right_to_make_databases_nothing_begins(bench: Bench, owned: str) -> None:
    await bench.backups.make("database")
    execute(owned.replace("plain_owner@", "postgres@"), "alter role plain_owner nocreatedb")
    operation = await bench.run("restore", set="latest", parts=["database"], backup=False)
    assert operation.state is OperationState.FAILED
    assert "have CREATEDB" in operation.error
