"""A dump into a new database: everything comes back, and what does not is noticed."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from bot.errors import Failed
from bot.restores import databases
from bot.restores.loading import Dump, load
from bot.restores.meter import LoadMeter
from bot.restores.server import Server
from tests.restores.bench import Heard, host_server
from tests.restores.world import dump_to, everything, own, rows, url_of


async def loaded(server: Server, dump: Dump, name: str, jobs: int = 1) -> None:
    await databases.create(server, name, like=server.place.name)
    await load(server, dump, name, jobs=jobs, meter=LoadMeter(Heard()))
    await databases.copy_properties(server, name, like=server.place.name)


@pytest.mark.parametrize("form", ["--format=custom", "--format=directory", "--format=plain"])
@pytest.mark.parametrize("jobs", [1, 2])
async def test_everything_comes_back(world: str, tmp_path: Path, form: str, jobs: int) -> None:
    path = tmp_path / ("dump.sql" if form.endswith("plain") else "dump")
    await asyncio.to_thread(dump_to, world, path, form)
    before = await asyncio.to_thread(everything, world)
    async with host_server(world) as server:
        await loaded(server, Dump(path, tables=rows(world)), 'näw "one"\'s', jobs)
        after = await asyncio.to_thread(everything, url_of(world, 'näw "one"\'s'))
        assert after == before
        await databases.drop(server, 'näw "one"\'s')
        assert await server.database('näw "one"\'s') is None


async def test_rows_that_are_missing_are_noticed(world: str, tmp_path: Path) -> None:
    path = await asyncio.to_thread(dump_to, world, tmp_path / "dump", "--format=custom")
    async with host_server(world) as server:
        expected = {**rows(world), "public.users": 801, "public.gone": 1}
        with pytest.raises(
            Failed, match=r"public\.gone: no table instead of 1; public\.users: 800"
        ):
            await loaded(server, Dump(path, tables=expected), "half_there")
        await databases.drop(server, "half_there")


async def test_the_first_error_ends_it(world: str, tmp_path: Path) -> None:
    path = await asyncio.to_thread(dump_to, world, tmp_path / "dump", "--format=custom")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    async with host_server(world) as server:
        with pytest.raises(Failed, match="pg_restore ended with exit status 1"):
            await loaded(server, Dump(path, tables=rows(world)), "half_there")
        await databases.drop(server, "half_there")


async def test_what_belongs_to_the_name_is_copied(world: str, tmp_path: Path) -> None:
    with psycopg.connect(world, autocommit=True) as connection:
        name = connection.execute("select current_database()").fetchone()
        assert name
        for statement in (
            'alter database {} set search_path to "Odd schema", "$user", \'a,b\'',
            "alter database {} set work_mem = '7MB'",
            "alter database {} set \"app.tenant\" = 'it''s \"me\"'",
            "alter role app_reader in database {} set \"DateStyle\" = 'German, DMY'",
            "alter role app_reader in database {} set search_path = public",
            "comment on database {} is 'the \"one\"''s'",
            "alter database {} connection limit 77",
            "revoke connect on database {} from public",
            'grant connect, create on database {} to "Reader, of ""all"" things" with grant option',
        ):
            connection.execute(statement.format(name[0]).encode())
    path = await asyncio.to_thread(dump_to, world, tmp_path / "dump", "--format=custom")
    async with host_server(world) as server:
        await loaded(server, Dump(path), "its_twin")
        twin = await asyncio.to_thread(everything, url_of(world, "its_twin"))
        assert twin == await asyncio.to_thread(everything, world)
        # Once more changes nothing, and what is gone from the one goes from the other.
        await databases.copy_properties(server, "its_twin", like=server.place.name)
        with psycopg.connect(world, autocommit=True) as connection:
            connection.execute(f"alter database {name[0]} reset all")
        await databases.copy_properties(server, "its_twin", like=server.place.name)
        assert own(world) == own(url_of(world, "its_twin"))
        await databases.drop(server, "its_twin")
