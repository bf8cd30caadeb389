"""Numbers from real databases: in a container and on this machine."""

import asyncio
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.checks.model import Reading, State
from tests.checks.places import checks_of
from tests.parts.compose_project import ROWS, ComposeProject
from tests.targets.places import compose_settings, host_settings


async def ask(target: dict[str, Any], query: str, **more: Any) -> Reading:
    check = {"kind": "sql", "target": "grandvps", "query": query, **more}
    async with checks_of({"failed-passwords": check}, target) as checks:
        return await checks.read("failed-passwords")


@pytest.fixture
def host(database_url: str, tmp_path: Path) -> dict[str, Any]:
    return host_settings(tmp_path, database={"url": database_url})


async def test_a_number_from_a_container(grandvps: ComposeProject) -> None:
    target = compose_settings(grandvps)
    reading = await ask(target, "select count(*) from payments", warn=20, crit=3000)
    assert (reading.state, reading.value) == (State.CRITICAL, ROWS["payments"])
    # The name is no key of a value, so nothing of it is hidden.
    assert reading.summary == "3\u202f000 failed passwords (limit 3\u202f000)"
    reading = await ask(target, "select count(*) from payments where false", warn=20)
    assert (reading.state, reading.summary) == (State.OK, "0 failed passwords")


async def test_a_number_on_this_machine(host: dict[str, Any]) -> None:
    for query, value in (
        ("select 12034.50", 12034.5),
        ("select 1 union all select 2 order by 1;", 1),
        ("select 7, 'more columns', null", 7),
        ("select e'\\n 5 '", 5),
        ("select 3 -- a comment", 3),
        ("select -0.5e3::float8", -500),
    ):
        assert (await ask(host, query)).value == value


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select 'many'", "The query returned no number: many."),
        ("select null", "The query returned no value."),
        ("select 1 where false", "The query returned no value."),
        ("select 'NaN'::float8", "The query returned no number: NaN."),
        ("select * from nowhere", 'The query failed: relation "nowhere" does not exist.'),
        ("select from where", 'The query failed: syntax error at or near "where".'),
        ("select 1/0", "The query failed: division by zero."),
        ("\\! touch /tmp/hacked", "The query is a command of psql's, not SQL."),
        ("select 1 \\! touch hacked", 'The query failed: syntax error at or near "\\".'),
        (
            "create table t ()",
            "The query failed: cannot execute CREATE TABLE in a read-only transaction.",
        ),
        (
            "select 1; create table t ()",
            "The query failed: cannot execute CREATE TABLE in a read-only transaction.",
        ),
    ],
)
async def test_what_gives_no_number_is_unknown(
    host: dict[str, Any], query: str, reason: str, tmp_path: Path
) -> None:
    reading = await ask(host, query)
    assert (reading.state, reading.value, reading.summary) == (State.UNKNOWN, None, reason)
    assert not (tmp_path / "hacked").exists()


async def test_nothing_is_changed(grandvps: ComposeProject) -> None:
    reading = await ask(compose_settings(grandvps), "delete from users returning 1")
    assert reading.state is State.UNKNOWN
    assert await grandvps.psql("select count(*) from users") == str(ROWS["users"])


async def test_a_query_that_takes_too_long_is_ended_by_the_server(
    grandvps: ComposeProject,
) -> None:
    started = time.monotonic()
    reading = await ask(compose_settings(grandvps), "select pg_sleep(60)", timeout="2s")
    assert reading.state is State.UNKNOWN
    assert reading.summary in (
        "The query failed: canceling statement due to statement timeout.",
        "no answer within 2.0 s",
    )
    active = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'"
    while await grandvps.psql(active) != "0":
        await asyncio.sleep(0.05)
    # By itself it would have ended no sooner than after 60 s.
    assert time.monotonic() - started < 40


async def test_a_locked_table_is_unknown_in_time(grandvps: ComposeProject) -> None:
    query = "select count(*) from payments"
    async with await psycopg.AsyncConnection.connect(grandvps.database_url) as holding:
        await holding.execute("lock table payments")
        reading = await ask(compose_settings(grandvps), query, timeout="1s")
        assert reading.state is State.UNKNOWN


async def test_a_server_that_is_not_there_or_refuses(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    away = host_settings(tmp_path, database={"url": "postgresql://u:canary-p@127.0.0.1:1/d"})
    reading = await ask(away, "select 1")
    assert reading.state is State.UNKNOWN
    assert "Connection refused" in reading.summary
    url = grandvps.database_url.replace(grandvps.canary, "canary-wrong")
    reading = await ask(host_settings(tmp_path, database={"url": url}), "select 1")
    assert "password authentication failed" in reading.summary
    assert "canary" not in repr(reading)


async def test_a_target_without_a_database(tmp_path: Path) -> None:
    reading = await ask(host_settings(tmp_path), "select 1")
    assert reading.summary == "grandvps has no database."
    assert reading.detail == "Add targets.grandvps.database."
