"""The embedded PostgreSQL: starts, stops, is shared, and comes back after a crash."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from bot.errors import Unavailable
from bot.store.embedded import embedded_postgres

USER = """
import asyncio, sys
from pathlib import Path
from bot.store.embedded import embedded_postgres

async def main():
    async with embedded_postgres(Path(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


async def user_of(data: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", USER, str(data), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "var"
    path.mkdir(mode=0o700)
    return path


async def test_it_starts_keeps_its_data_and_stops(data: Path) -> None:
    async with embedded_postgres(data) as url:
        pid = postmaster(data)
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 42 as answer")
    assert not psutil.pid_exists(pid)
    async with embedded_postgres(data) as url:
        with psycopg.connect(url) as connection:
            assert connection.execute("select answer from kept").fetchone() == (42,)


async def test_the_directories_above_stay_as_closed_as_they_were(data: Path) -> None:
    async with embedded_postgres(data):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "postgres").stat().st_mode) & 0o007 == 0


async def test_a_user_that_was_killed_leaves_the_server_and_the_next_one_stops_it(
    data: Path,
) -> None:
    user = await user_of(data)
    pid = postmaster(data)
    user.kill()
    await user.wait()
    async with embedded_postgres(data) as url:
        assert postmaster(data) == pid
        psycopg.connect(url).close()
    assert not psutil.pid_exists(pid)


async def test_a_server_that_is_shared_outlives_the_first_to_leave(data: Path) -> None:
    user = await user_of(data)
    async with embedded_postgres(data):
        pid = postmaster(data)
    assert psutil.pid_exists(pid)
    user.kill()
    await user.wait()
    async with embedded_postgres(data):
        pass
    assert not psutil.pid_exists(pid)


async def test_after_a_crash_of_server_and_user_it_recovers(data: Path) -> None:
    user = await user_of(data)
    pid = postmaster(data)
    children = psutil.Process(pid).children(recursive=True)
    user.kill()
    os.kill(pid, signal.SIGKILL)
    await user.wait()
    psutil.wait_procs(children, timeout=10)
    async with embedded_postgres(data) as url:
        psycopg.connect(url).close()


async def test_a_cluster_that_cannot_start_says_why(data: Path) -> None:
    async with embedded_postgres(data):
        pass
    (data / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(Unavailable, match="did not start"):
        async with embedded_postgres(data):
            raise AssertionError("unreachable")
