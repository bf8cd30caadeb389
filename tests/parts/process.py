"""Real child processes for tests, Opsbell's own above all: their output, memory and end."""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts.users import OPSBELL

_PATIENCE = 60.0
"""Seconds that a process gets to end by itself once it was asked to."""


class ChildProcess:
    """A program that runs while its `async with` block does, and is gone after it.

    Its environment is this one's without Opsbell's and Slack's variables, plus `env`. `output`
    holds the lines of standard output and error as they came. It dies with the test run, even with
    a killed one. Linux only.
    """

    def __init__(self, *argv: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self.output: list[str] = []
        self._argv = argv
        self._cwd = cwd
        self._env = _environment() | dict(env or {})
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ended = False
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        # A pipe of our own: asyncio's would let `wait` wait for whoever else holds it open.
        read_end, write_end = os.pipe()
        output = os.fdopen(read_end, "rb", buffering=0)
        try:
            # A group of its own, so that what it starts can be ended with it.
            self._process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", *self._argv),
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
            )
        except BaseException:
            output.close()
            raise
        finally:
            os.close(write_end)
        self._reading = asyncio.create_task(self._read(output))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.terminate()
        except TimeoutError:
            await self.kill9()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            assert self._reading is not None
            async with asyncio.timeout(_PATIENCE):
                await self._reading

    @property
    def pid(self) -> int:
        """The process's ID; the group's too."""
        return self._running.pid

    async def wait_for_line(
        self, pattern: str, *, timeout: float = 30, since: int = 0
    ) -> re.Match[str]:
        """Return the first match of a line in `output[since:]`, as soon as it is there.

        Raises AssertionError, with the whole output, where the output ends or `timeout` seconds
        pass without one.
        """
        wanted = re.compile(pattern)
        try:
            async with asyncio.timeout(timeout), self._news:
                while not (match := self._find(wanted, since)):
                    if self._ended:
                        raise AssertionError(self._complaint(f"ended without a line {pattern!r}"))
                    await self._news.wait()
                return match
        except TimeoutError:
            raise AssertionError(self._complaint(f"no line {pattern!r} in {timeout} s")) from None

    async def wait(self, *, timeout: float = _PATIENCE) -> int:
        """Return the exit status once it has ended; below 0 it is a signal. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._running.wait()

    async def terminate(self, *, timeout: float = _PATIENCE) -> int:
        """Ask it to end with SIGTERM, and `wait`."""
        self._signal(signal.SIGTERM)
        return await self.wait(timeout=timeout)

    async def kill9(self) -> None:
        """Kill it, and nothing that it started, with SIGKILL; return when it is gone."""
        self._signal(signal.SIGKILL)
        await self.wait()

    def peak_memory(self) -> int:
        """Return the most resident memory so far, in bytes, without that of its own children."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert match is not None
        return int(match[1]) * 1024

    def forget_peak_memory(self) -> None:
        """Begin the measurement of `peak_memory` anew, from what is resident now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "not started"
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._running.send_signal(number)

    def _find(self, pattern: re.Pattern[str], since: int) -> re.Match[str] | None:
        return next(filter(None, map(pattern.search, self.output[since:])), None)

    def _complaint(self, what: str) -> str:
        return "\n".join((f"{' '.join(self._argv)}: {what}; its output:", *self.output))

    async def _read(self, output: RawIOBase) -> None:
        stream = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(stream)
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, output)
        rest = b""
        try:
            while chunk := await stream.read(64 * 1024):
                *lines, rest = (rest + chunk).split(b"\n")
                await self._tell(lines)
        finally:
            pipe.close()
        await self._tell([rest] if rest else [], ended=True)

    async def _tell(self, lines: list[bytes], *, ended: bool = False) -> None:
        async with self._news:
            self._ended = ended
            self.output += (line.decode(errors="replace") for line in lines)
            self._news.notify_all()


def opsbell(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> ChildProcess:
    """Return Opsbell itself as a process to start, with this interpreter."""
    return ChildProcess(*OPSBELL, *arguments, cwd=cwd, env=env)


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPSBELL_", "SLACK_", "PLAYGROUND_"))
    }
    return kept | {"PYTHONUNBUFFERED": "1"}
