"""The demo's children: real processes, started again when they die by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from bot.cancelling import end
from bot.targets.waiting import to_the_end

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a child that died is started again: doubled each time that it dies anew."""

LONG_RUN = 60.0
"""Seconds after which a child that died is not one that dies anew."""

STOP_LIMIT = 12.0
"""Seconds that a child has to end by itself, after which it is killed."""

BIGGEST_LOG = 5_000_000
"""Bytes above which a log is put aside at the next start."""


class Child:
    """One program in a session of its own, its output in a log file.

    `argv` is what `bot.demo.tied` runs. `tell` is told, in a sentence, when it died and is started
    again. It is stopped until `start` is called.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        log: Path,
        tell: Callable[[str], None],
    ) -> None:
        self.name = name
        self._argv = (sys.executable, "-m", "bot.demo.tied", *argv)
        self._cwd = cwd
        self._environment = environment
        self._log = log
        self._tell = tell
        self._wanted = asyncio.Event()
        self._unwanted = asyncio.Event()
        self._stopped = asyncio.Event()
        self._unwanted.set()
        self._stopped.set()

    @property
    def wanted(self) -> bool:
        """Whether it is meant to run."""
        return self._wanted.is_set()

    def start(self) -> None:
        """Lets it run; where it runs, nothing changes."""
        self._unwanted.clear()
        self._wanted.set()

    async def stop(self) -> None:
        """Ends it, and returns when it is gone; it stays so until `start`."""
        self._wanted.clear()
        self._unwanted.set()
        await self._stopped.wait()

    async def restart(self) -> None:
        """Ends it where it runs, and starts it."""
        await self.stop()
        self.start()

    async def keep(self) -> None:
        """Runs it whenever it is wanted, until cancelled; stop it before."""
        pause = FIRST_PAUSE
        while True:
            await self._wanted.wait()
            self._stopped.clear()
            began = time.monotonic()
            try:
                how = _how(await to_the_end(self._run_once()))
            except OSError as error:
                how = f"it cannot be started: {error}"
            if self.wanted:
                pause = FIRST_PAUSE if time.monotonic() - began > LONG_RUN else pause
                again = f"It is started again in {pause:.0f} s. Its log: {self._log}"
                self._tell(f"{self.name} ended by itself ({how}). {again}")
                await self._unwanted_within(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            self._stopped.set()

    async def _run_once(self) -> int:
        """Until it ends by itself or is no longer wanted; its exit status."""
        if self._log.exists() and self._log.stat().st_size > BIGGEST_LOG:
            self._log.replace(self._log.with_name(f"{self._log.name}.1"))
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.PIPE,  # breaks when the demo is gone
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        unwanted = asyncio.create_task(self._unwanted.wait())
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({unwanted, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end([unwanted, ended])
            await _end(process)
        return await process.wait()

    async def _unwanted_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._unwanted.wait()


@contextlib.asynccontextmanager
async def kept(child: Child) -> AsyncIterator[None]:
    """The child, started and looked after inside the block, gone after it."""
    child.start()
    keeper = asyncio.create_task(child.keep(), name=child.name)
    try:
        yield
    finally:
        await child.stop()
        await end([keeper])


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_LIMIT):
            await process.wait()
    except TimeoutError:
        pass
    # Also what the child left in its session: its own children die with a killed parent only so.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _how(status: int) -> str:
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"
