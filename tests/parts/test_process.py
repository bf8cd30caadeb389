"""A child process is followed, measured and ended as promised."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.parts.process import ChildProcess

PYTHON = (sys.executable, "-c")


async def ended(process: psutil.Process) -> None:
    """Wait until a process runs no more; whoever inherits it may take its time to collect it."""
    async with asyncio.timeout(10):
        with suppress(psutil.NoSuchProcess):
            while process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.01)


async def test_lines_of_both_streams_are_found(tmp_path: Path) -> None:
    script = "import sys; print('port 8080'); print('töö', 'late', file=sys.stderr, end='')"
    async with ChildProcess(*PYTHON, script, cwd=tmp_path) as child:
        assert (await child.wait_for_line(r"port (\d+)"))[1] == "8080"
        await child.wait_for_line("^töö late$")
        assert await child.wait() == 0
        assert child.output == ["port 8080", "töö late"]


async def test_a_line_that_never_comes_is_told_with_the_output(tmp_path: Path) -> None:
    async with ChildProcess(*PYTHON, "print('only this')", cwd=tmp_path) as child:
        with pytest.raises(AssertionError, match=r"ended without a line 'other'(?s:.*)only this"):
            await child.wait_for_line("other")
        with pytest.raises(AssertionError, match="ended without"):
            await child.wait_for_line("only this", since=1)
    async with ChildProcess(*PYTHON, "import time; time.sleep(60)", cwd=tmp_path) as child:
        with pytest.raises(AssertionError, match="no line 'other' in"):
            await child.wait_for_line("other", timeout=0.1)


async def test_the_environment_is_ours_without_opsbells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "ours")
    monkeypatch.setenv("UNRELATED", "kept")
    names = ("SLACK_BOT_TOKEN", "UNRELATED", "NEW")
    script = f"import os; print(os.getcwd(), *map(os.environ.get, {names}))"
    async with ChildProcess(*PYTHON, script, cwd=tmp_path, env={"NEW": "added"}) as child:
        await child.wait_for_line(f"^{tmp_path} None kept added$")


async def test_kill9_leaves_no_time_to_tidy_up_and_terminate_does(tmp_path: Path) -> None:
    script = (
        "import atexit, signal, sys, time; atexit.register(print, 'tidied up');"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('ready'); time.sleep(60)"
    )
    async with ChildProcess(*PYTHON, script, cwd=tmp_path) as child:
        await child.wait_for_line("ready")
        await child.kill9()
        assert await child.wait() == -signal.SIGKILL
    assert child.output == ["ready"]
    async with ChildProcess(*PYTHON, script, cwd=tmp_path) as child:
        await child.wait_for_line("ready")
        assert await child.terminate() == 7
        await child.wait_for_line("tidied up")


async def test_nothing_of_it_is_left_after_the_block(tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, time; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "print('child', subprocess.Popen(['sleep', '600']).pid); time.sleep(60)"
    )
    async with ChildProcess(*PYTHON, script, cwd=tmp_path) as child:
        grandchild = psutil.Process(int((await child.wait_for_line(r"child (\d+)"))[1]))
    assert not psutil.pid_exists(child.pid)
    await ended(grandchild)


async def test_it_dies_with_a_run_that_is_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, pathlib
from tests.parts.process import ChildProcess
async def main():
    argv = ("sh", "-c", "echo up; exec sleep 600")
    async with ChildProcess(*argv, cwd=pathlib.Path({str(tmp_path)!r})) as child:
        await child.wait_for_line("up")  # from when on it dies with the run
        print("child", child.pid)
        await child.wait(timeout=600)
asyncio.run(main())
"""
    repository = Path(__file__).parents[2]
    async with ChildProcess(*PYTHON, script, cwd=repository) as run:
        child = psutil.Process(int((await run.wait_for_line(r"child (\d+)"))[1]))
        os.kill(run.pid, signal.SIGKILL)
        await ended(child)


async def test_peak_memory_is_measured_from_when_it_was_forgotten(tmp_path: Path) -> None:
    script = (
        "import sys; data = b'x' * 200_000_000; del data; print('freed');"
        "sys.stdout.flush(); import time; time.sleep(60)"
    )
    async with ChildProcess(*PYTHON, script, cwd=tmp_path) as child:
        await child.wait_for_line("freed")
        assert child.peak_memory() > 200_000_000
        child.forget_peak_memory()
        assert child.peak_memory() < 100_000_000
