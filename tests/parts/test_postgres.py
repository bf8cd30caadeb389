"""Each test's database is its own, and killed runs leave no server behind."""

import shutil
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.parts.postgres import PostgresServer, remove_orphans
from tests.parts.process import ChildProcess

START_A_SERVER = """
import time
from tests.parts.postgres import postgres_server
with postgres_server() as server:
    print("socket", server.socket_directory)
    time.sleep(600)
"""


@pytest.mark.parametrize("round_", [1, 2])
def test_a_database_is_new_and_empty(database_url: str, round_: int) -> None:
    with psycopg.connect(database_url) as connection:
        tables = "select count(*) from pg_tables where schemaname = 'public'"
        assert connection.execute(tables).fetchone() == (0,)
        connection.execute("create table leftover ()")


def test_a_database_is_dropped_under_open_connections(postgres: PostgresServer) -> None:
    with postgres.new_database() as url:
        held = psycopg.connect(url)
    with held, pytest.raises(psycopg.errors.AdminShutdown):
        held.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


async def test_a_killed_runs_server_is_stopped_and_removed() -> None:
    repository = Path(__file__).parents[2]
    async with ChildProcess(sys.executable, "-c", START_A_SERVER, cwd=repository) as run:
        data = Path((await run.wait_for_line(r"^socket (.+)$"))[1])
        server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        await run.kill9()
    assert server.is_running()
    remove_orphans()
    assert not server.is_running()
    assert not data.parent.exists()


def test_a_directory_of_a_dead_run_without_a_server_is_removed() -> None:
    home = Path(tempfile.gettempdir()) / "opsbell-test-99999999-1-postgres"  # no PID is so large
    home.mkdir()
    try:
        remove_orphans()
        assert not home.exists()
    finally:
        shutil.rmtree(home, ignore_errors=True)
