"""Drills on this machine that somebody ends from outside, and what is cleared away afterwards."""

import asyncio
import signal
import time
from pathlib import Path

import psutil
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
from tests.backups.sample import fill, make_application
from tests.drills.conftest import DrillBench, open_drills
from tests.drills.test_host import databases
from tests.parts.postgres import PostgresServer


async def test_all_is_cleared_away_on_a_server_before_14(
    host: DrillBench, application_url: str, postgres: PostgresServer
) -> None:
    await host.bench.make("database")
    before = databases(application_url)
    # As 13 has it: nothing but the process is given.
    signature = "pg_catalog.pg_terminate_backend(int, bigint)"
    postgres.execute(f"alter function {signature} rename to terminate_since_14")
    postgres.execute(
        "create function pg_catalog.pg_terminate_backend(pid int) returns boolean"
        " language sql as 'select pg_catalog.terminate_since_14(pid, 0)'"
    )
    try:
        await host.good()
    finally:
        postgres.execute("drop function pg_catalog.pg_terminate_backend(int)")
        renamed = "pg_catalog.terminate_since_14(int, bigint)"
        postgres.execute(f"alter function {renamed} rename to pg_terminate_backend")
    assert databases(application_url) == before


async def test_what_a_cut_off_removal_has_left_is_removed(
    host: DrillBench, application_url: str, postgres: PostgresServer
) -> None:
    target = host.bench.targets.get("grandvps")
    live = Session(target, target.database(), "a test")
    place = places.DatabaseInPlace(live, "opsbell_drill_cut_off", "ours")
    before = databases(application_url)
    made = await place.make(1)
    # As a server that was ended in the middle leaves it.
    postgres.execute(
        "update pg_database set datconnlimit = -2 where datname = 'opsbell_drill_cut_off'"
    )
    await place.remove(made, ())
    assert databases(application_url) == before


async def test_a_server_that_ends_the_session_says_nothing_about_the_set(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> None:
    directory = tmp_path / "application"
    make_application(directory)
    settings = host_settings(directory, application_url, tmp_path / "store")
    before = databases(application_url)
    async with open_drills(settings, database, queue, load=cut_off) as drills:
        await drills.bench.make("database")
        operation = await drills.without_verdict()
    assert "terminating connection" in operation.error
    assert databases(application_url) == before


SLOW = """
    create function slow(id bigint) returns bigint language plpgsql immutable as $$
    begin
        if current_database() like 'opsbell\\_drill\\_%' then
            perform pg_sleep(3600);
        end if;
        return id;
    end $$;
    create table waited_for (id bigint);
    insert into waited_for values (1);
    create index on waited_for (slow(id))
"""
"""What is restored for ever, in a drill alone."""


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGTERM, "terminated by user"), (signal.SIGKILL, "exit status 137")],
)
async def test_a_restore_that_was_ended_from_outside_says_nothing_about_the_set(
    host: DrillBench, application_url: str, number: signal.Signals, said: str
) -> None:
    fill(application_url, SLOW)
    path, _ = await host.bench.make("database")
    before = databases(application_url)
    drilling = asyncio.create_task(host.without_verdict(path.name))
    (await asyncio.to_thread(restoring, application_url)).send_signal(number)
    operation = await drilling
    assert said in operation.error
    assert "could not be undone" not in operation.error
    assert databases(application_url) == before
    assert (await host.bench.backups.find("grandvps", path.name)).good


def restoring(url: str) -> psutil.Process:
    """The pg_restore of a drill of ours, once it makes the slow index."""
    sleeps = "select from pg_stat_activity where wait_event = 'PgSleep' and datname like %s"
    deadline = time.monotonic() + 120
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(sleeps, ["opsbell\\_drill\\_%"]).rowcount:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    (found,) = (p for p in psutil.Process().children(recursive=True) if p.name() == "pg_restore")
    return found


async def cut_off(
    target: Target, place: DatabasePlace, directory: Path, mark: str, context: StepContext
) -> Loaded:
    """A load whose session the server ends."""
    end = "select pg_terminate_backend(pg_backend_pid())"
    await Session(target, place, mark).lines("Loading", end)
    raise AssertionError("the session goes on")
