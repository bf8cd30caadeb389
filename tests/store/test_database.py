"""Transactions, migrations and the chained log of events, on the real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.errors import OpsbellError, Unavailable
from bot.store.database import Database
from bot.store.events import Event, EventLog, load_key
from bot.store.migrate import DatabaseTooNew, migrate, own_migrations, queue_migrations

KEY = b"a key for tests"


async def rows(database: Database) -> AsyncIterator[DictRow]:
    for row in await database.all("select * from events order by id"):
        yield row


async def write(database: Database, *actions: str) -> None:
    for action in actions:
        async with database.transaction() as tx:
            tx.record(Event("slack:U1", action, detail={"n": 1, "text": "grüße", "share": 0.5}))


async def test_what_is_recorded_in_a_transaction_that_fails_is_gone(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            tx.record(Event("slack:U1", "backup.requested"))
            raise ZeroDivisionError
    assert await database.all("select * from events") == []


async def test_an_untouched_log_is_whole(database: Database) -> None:
    await write(database, "one", "two", "three")
    assert await EventLog(KEY).broken_at(rows(database)) is None


@pytest.mark.parametrize(
    ("tampering", "broken_at"),
    [
        ("update events set outcome = 'refused' where id = 2", 2),
        ("update events set at = at + interval '1 second' where id = 1", 1),
        ("delete from events where id = 2", 3),
        ("update events set detail = '{\"n\": 2}' where id = 3", 3),
    ],
)
async def test_edited_or_missing_history_is_noticed(
    database: Database, tampering: str, broken_at: int
) -> None:
    await write(database, "one", "two", "three")
    await database.execute(tampering)
    assert await EventLog(KEY).broken_at(rows(database)) == broken_at


async def test_another_key_proves_nothing(database: Database) -> None:
    await write(database, "one")
    assert await EventLog(b"another").broken_at(rows(database)) == 1


async def test_the_key_is_made_once_and_read_by_all(tmp_path: Path) -> None:
    keys = await asyncio.gather(
        *(asyncio.to_thread(load_key, tmp_path / "audit.key") for _ in range(8))
    )
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["audit.key"]


@pytest.mark.parametrize("content", ["", "00", "not hexadecimal"])
async def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "audit.key").write_text(content)
    with pytest.raises(OpsbellError, match="is not the key"):
        load_key(tmp_path / "audit.key")


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert await migrate(database) == []
    applied = {row["name"] for row in await database.all("select name from migrations")}
    assert applied == own_migrations().keys() | queue_migrations().keys()


async def test_a_newer_database_is_refused_and_named(database: Database) -> None:
    await database.execute("insert into migrations (name) values ('9999_future.sql')")
    with pytest.raises(DatabaseTooNew, match=r"9999_future\.sql"):
        await migrate(database)


async def test_the_queues_own_upgrades_are_applied_to_an_older_queue(database: Database) -> None:
    """A database from before procrastinate's last migration gets it, and only it."""
    newest = list(queue_migrations())[-1]
    function = "procrastinate_trigger_function_status_events_update_v1"
    await database.execute(
        "drop function procrastinate_trigger_function_status_events_update_v1 cascade"
    )
    await database.execute("delete from migrations where name = %s", (newest,))
    assert await migrate(database) == [newest]
    found = await database.one("select count(*) as n from pg_proc where proname = %s", (function,))
    assert found["n"] == 1


async def test_two_programs_may_start_at_once(database_url: str) -> None:
    async with (
        Database(database_url, EventLog(KEY)) as one,
        Database(database_url, EventLog(KEY)) as two,
    ):
        applied = await asyncio.gather(migrate(one), migrate(two))
    assert sorted(map(bool, applied)) == [False, True]


async def test_a_database_that_is_away_is_named(database_url: str) -> None:
    absent = database_url.replace("host=", "host=/nowhere")
    async with Database(absent, EventLog(KEY)) as database:
        with pytest.raises(Unavailable, match="does not answer"):
            async with database.transaction(timeout=timedelta(seconds=0.3)):
                raise AssertionError("unreachable")


async def test_a_connection_that_was_cut_is_replaced(database: Database) -> None:
    await database.execute("select 1")
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'opsbell' and pid <> pg_backend_pid()"
        )
    assert (await database.one("select 1 as n"))["n"] == 1
