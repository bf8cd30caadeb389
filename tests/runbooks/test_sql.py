"""SQL steps: parameters that stay values, statements by themselves, and sessions that end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from bot.errors import Failed, NotFound
from bot.runbooks.commands import mark_of
from bot.runbooks.sql_text import psql_text
from bot.runbooks.steps import sql_step
from tests.parts.compose_project import ComposeProject
from tests.runbooks.conftest import Place, opened_place
from tests.runbooks.contexts import Context
from tests.targets.places import host_settings

NASTY = [
    "'; drop table users; --",
    "\\'; drop table users; --",
    "x' || (select pg_sleep(5)) || '",
    "$$; drop table users; $$",
    ":'opsbell_0'",
    "\\! touch hacked",
    "`touch hacked`",
    '"; drop table users; "',
    "--option",
    "é ü 漢字 \U0001f600",
    "{value}",
    "a  b\tc",
]


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    """A target on this machine with a database of its own."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("create table users (name text, n int)")
        await connection.execute("insert into users values ('alice', 1), ('bob', 2)")
    async with opened_place(host_settings(tmp_path, database={"url": database_url})) as opened:
        yield opened


async def rows(url: str, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def run(place: Place, text: str, **parameters: str) -> Context:
    context = Context(sql_step(place.target, *psql_text(text, parameters)))
    result = await place.kinds["sql"].run(context)
    assert "note" in result
    return context


@pytest.mark.parametrize("value", NASTY)
async def test_a_value_is_a_value_whatever_it_holds(
    place: Place, database_url: str, value: str, tmp_path: Path
) -> None:
    await run(place, "insert into users (name) values ({value})", value=value)
    await run(place, "insert into users (name) values ('{value}')", value=value)
    await run(place, 'alter table users add column "{value}" text', value=value)
    found = await rows(database_url, "select name from users where n is null")
    assert found == [(value,), (value,)]
    columns = await rows(
        database_url,
        "select attname::text from pg_attribute where attrelid = 'users'::regclass and attnum > 2",
    )
    # The server cuts names at 63 bytes.
    assert columns == [(value,)]
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    "text",
    [
        "select 'hello {value}'",
        "select E'\\'{value}'",
        'select "a {value}"',
        "select $$ {value} $$",
        "select $a$ {value} $a$",
        "select 1 -- {value}",
        "select 1 /* {value} */",
        "select '{value}",
        "select $x$ $$ {value}",
    ],
)
def test_a_placeholder_where_psql_would_not_fill_it_in_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a placeholder by itself"):
        psql_text(text, {"value": "x"})


@pytest.mark.parametrize("text", ["\\! id", "select 1 \\gexec", "select 1;\n\\copy users to '/x'"])
def test_psqls_own_commands_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SQL alone"):
        psql_text(text, {})


def test_what_only_looks_like_a_placeholder_stays() -> None:
    text = "select '{{}}'::jsonb, '{{1,2}}'::int[], array[1]::text[], E'a\\'b', $1$ from x"
    assert psql_text(text.removesuffix(", $1$ from x"), {"n": "1"})[0] == (
        "select '{}'::jsonb, '{1,2}'::int[], array[1]::text[], E'a\\'b'"
    )


async def test_each_statement_stands_by_itself(place: Place, database_url: str) -> None:
    context = await run(place, "vacuum; analyze; update users set n = n + 1; -- done")
    assert context.written.splitlines() == ["VACUUM", "ANALYZE", "UPDATE 2"]
    with pytest.raises(Failed, match=r'psql ended .* relation "nothing" does not exist'):
        await run(place, "update users set n = 7; select * from nothing; update users set n = 8")
    assert await rows(database_url, "select distinct n from users") == [(7,)]


async def test_a_cancelled_statement_ends_on_the_server_too(
    place: Place, database_url: str
) -> None:
    running = asyncio.create_task(run(place, "select pg_sleep(3600)"))
    await sessions(database_url, 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await sessions(database_url, 0)


async def sessions(url: str, number: int, like: str = "select pg_sleep(3600)%") -> None:
    """Waits until so many sessions run a statement."""
    query = (
        "select count(*) from pg_stat_activity where state = 'active' and query like"
        f" '{like}' and pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(60):
        while await rows(url, query) != [(number,)]:
            await asyncio.sleep(0.05)


async def test_what_a_dead_bot_left_on_the_server_is_ended(place: Place, database_url: str) -> None:
    context = Context(sql_step(place.target, "select 1", {}))
    name = mark_of(context)
    assert len(name) <= 63
    async with await psycopg.AsyncConnection.connect(
        database_url, application_name=name, autocommit=True
    ) as left:
        waiting = asyncio.create_task(left.execute("select pg_sleep(3600)"))
        await sessions(database_url, 1)
        assert await place.kinds["sql"].done(context) is None
        with pytest.raises(psycopg.errors.AdminShutdown):
            await waiting
    await place.kinds["sql"].undo(context)


async def test_a_target_without_a_database_says_so(host: Place) -> None:
    with pytest.raises(NotFound, match="has no database"):
        sql_step(host.target, "select 1", {})


@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_in_a_container(compose: Place, grandvps: ComposeProject) -> None:
    step = sql_step(
        compose.target, *psql_text("select count(*) from users where email <> {x}", {"x": "a'b"})
    )
    context = Context(step)
    await compose.kinds["sql"].run(context)
    assert "1000" in context.written
    assert grandvps.canary not in step.command
    running = asyncio.create_task(
        compose.kinds["sql"].run(Context(sql_step(compose.target, "select pg_sleep(3600)", {})))
    )
    await sessions(grandvps.database_url, 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await sessions(grandvps.database_url, 0)
