"""Processes on this machine: output, status, input, and an end that is proven."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from bot.errors import NotFound, Unavailable
from bot.targets import session
from bot.targets.model import Target
from tests.targets.places import host_settings, opened

SOON = timedelta(seconds=20)


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    async with opened(host_settings(tmp_path, services={"web": {"restart": ["true"]}})) as host:
        yield host


async def test_output_errors_and_status_are_kept_apart(target: Target) -> None:
    done = await target.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=SOON)
    assert (done.status, done.stdout, done.stderr) == (3, "out\n", "err\n")


async def test_a_death_by_signal_has_the_status_that_a_shell_gives_it(target: Target) -> None:
    done = await target.run(["sh", "-c", "kill -9 $$"], timeout=SOON)
    assert done.status == 128 + signal.SIGKILL


async def test_arguments_never_reach_a_shell(target: Target, tmp_path: Path) -> None:
    words = ["$(touch hacked)", "; touch hacked", "`touch hacked`", "a  b", "*", "-n", "ü\n"]
    done = await target.run(["printf", "%s|", *words], timeout=SOON)
    assert done.stdout == "".join(f"{word}|" for word in words)
    assert not (tmp_path / "hacked").exists()


async def test_it_runs_in_the_targets_directory(target: Target, tmp_path: Path) -> None:
    assert (await target.run(["pwd"], timeout=SOON)).stdout.strip() == str(tmp_path)
    assert (await target.run(["pwd"], service="web", timeout=SOON)).status == 0


async def test_opsbells_own_environment_stays_behind(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    monkeypatch.setenv("PGPASSWORD", "canary")
    done = await target.run(["env"], timeout=SOON, environment={"PGUSER": "alice"})
    assert "canary" not in done.stdout
    assert "PGUSER=alice\n" in done.stdout
    assert "PATH=" in done.stdout


async def test_a_program_service_or_directory_that_is_not_there_is_named(
    target: Target, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="program no-such-program is not installed"):
        await target.run(["no-such-program"], timeout=SOON)
    with pytest.raises(NotFound, match=r"no service called worker\. It has web\."):
        await target.run(["true"], service="worker", timeout=SOON)
    async with opened(host_settings(tmp_path / "gone")) as gone:
        with pytest.raises(NotFound, match=r"directory .*gone does not exist"):
            await gone.run(["true"], timeout=SOON)
    locked = tmp_path / "locked"
    locked.touch(mode=0o600)
    with pytest.raises(Unavailable, match="could not be started: Permission denied"):
        await target.run([str(locked)], timeout=SOON)


async def test_a_dialogue(target: Target) -> None:
    async with target.process(["cat"], stdin=True) as process:
        output = process.chunks()
        for line in (b"one\n", b"two\n"):
            await process.write(line)
            assert await anext(output) == line
        await process.end_input()
        assert await process.wait() == 0


async def test_input_to_a_process_that_does_not_read_is_no_hang(target: Target) -> None:
    done = await target.run(["sh", "-c", "exit 4"], timeout=SOON, stdin=b"x" * 5_000_000)
    assert done.status == 4
    async with target.process(["true"], stdin=True) as process:
        assert await process.wait() == 0
        with pytest.raises(Unavailable, match="true no longer reads"):
            for _ in range(100):
                await process.write(b"x" * 100_000)
        await process.end_input()


async def test_errors_without_end_neither_block_nor_grow(target: Target) -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; echo done"
    async with target.process(["sh", "-c", script]) as process:
        assert b"".join([piece async for piece in process.chunks()]) == b"done\n"
        assert await process.wait() == 0
    assert process.error_tail.endswith("line 19998\nline 19999\n")
    assert len(process.error_tail) == 8 * 1024


async def test_long_output_is_cut_in_the_middle(target: Target) -> None:
    done = await target.run(
        ["sh", "-c", "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last"],
        timeout=SOON,
    )
    assert done.stdout.startswith("first\nxxx")
    assert done.stdout.endswith("xxx\nlast\n")
    assert "\n… 2.0 MB left out …\n" in done.stdout
    assert len(done.stdout) < 1024 * 1024 + 100


async def test_the_time_limit_ends_all_of_the_process(target: Target) -> None:
    mark = f"3600.{os.getpid()}"
    with pytest.raises(Unavailable, match=r"sh did not end within 0\.5 s and was ended"):
        await target.run(
            ["sh", "-c", f"sleep {mark} & sleep {mark}; echo"], timeout=timedelta(seconds=0.5)
        )
    assert running(mark) == []


async def test_a_cancelled_caller_returns_when_the_process_is_gone(target: Target) -> None:
    mark = f"3601.{os.getpid()}"
    task = asyncio.create_task(target.run(["sleep", mark], timeout=timedelta(hours=1)))
    while not running(mark):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running(mark) == []


async def test_what_ignores_the_request_to_end_is_killed(target: Target) -> None:
    mark = f"3602.{os.getpid()}"
    script = f"trap '' TERM; echo ready; while :; do sleep {mark}; done"
    started = time.monotonic()
    async with target.process(["sh", "-c", script]) as process:
        assert await anext(process.chunks()) == b"ready\n"
    assert time.monotonic() - started >= 5
    assert running(mark) == []


async def test_what_a_process_left_in_the_background_lives_on(target: Target) -> None:
    mark = f"3603.{os.getpid()}"
    done = await target.run(["sh", "-c", f"sleep {mark} >/dev/null 2>&1 & echo $!"], timeout=SOON)
    assert running(mark) == [int(done.stdout)]
    os.kill(int(done.stdout), signal.SIGKILL)


async def test_what_holds_the_output_open_in_the_background_is_not_waited_for(
    target: Target,
) -> None:
    mark = f"3607.{os.getpid()}"
    began = time.monotonic()
    done = await target.run(["sh", "-c", f"sleep {mark} & echo out; echo err >&2"], timeout=SOON)
    assert (done.status, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert time.monotonic() - began < 10
    [pid] = running(mark)
    os.kill(pid, signal.SIGKILL)


async def test_a_slow_reader_loses_nothing_of_a_process_that_has_ended(target: Target) -> None:
    size = 0
    command = ["sh", "-c", "sleep 15 & head -c 3000000 /dev/zero"]
    async with target.process(command) as process:
        async for piece in process.chunks():
            size += len(piece)
            await asyncio.sleep(0.7)
        assert await process.wait() == 0
    assert size == 3_000_000


async def test_a_reader_that_stops_early_ends_the_writer(target: Target) -> None:
    async with target.process(["yes", f"{os.getpid()}"]) as process:
        await anext(process.chunks())
        assert running(f"{os.getpid()}", program="yes")
    assert running(f"{os.getpid()}", program="yes") == []


def running(argument: str, program: str = "") -> list[int]:
    """The processes that have this argument and have not ended."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status", "name"])
        if argument in (process.info["cmdline"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
        and program in process.info["name"]
    ]


@pytest.mark.needs("root")
async def test_what_runs_as_another_user_and_does_not_end_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "GRACE", 0.3)
    sleeping = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)

    def as_nobody() -> str:
        os.setgid(65534)
        os.setuid(65534)
        try:
            asyncio.run(session.end_session(sleeping.pid, "certbot"))
        except Unavailable as error:
            return str(error)
        return "ended"

    told = await asyncio.to_thread(in_a_fork, as_nobody)
    assert told == (
        f"certbot (process {sleeping.pid}) could not be ended. It runs as another user."
        f" End it with sudo kill {sleeping.pid}."
    )
    sleeping.kill()
    await sleeping.wait()


def in_a_fork(work: Callable[[], str]) -> str:
    """What a function returns in a process of its own, which may give up its rights."""
    ours, theirs = os.pipe()
    if (child := os.fork()) == 0:
        os.write(theirs, work().encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told
