"""A program at a terminal of its own, and somebody who reads and types there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.parts.process import opsbell

NO_DOCKER = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
_PATIENCE = 30.0


async def init(
    cwd: Path, *arguments: str, env: dict[str, str] | None = None, status: int = 0
) -> list[str]:
    """The lines that `opsbell init` wrote, without a terminal."""
    async with opsbell("init", *arguments, cwd=cwd, env=env) as process:
        assert await process.wait(timeout=40) == status, process.output
    return process.output


class Terminal:
    """What a program has written so far, and its keyboard."""

    def __init__(self, keyboard: int, process: asyncio.subprocess.Process) -> None:
        self.text = ""
        self._keyboard = keyboard
        self._process = process
        self._news = asyncio.Condition()
        self._read = 0

    async def answer(self, question: str, typed: str) -> None:
        """Types a line once the program has asked for it. Raises AssertionError if it does not."""
        await self.wait_for(question)
        os.write(self._keyboard, f"{typed}\n".encode())

    async def interrupt(self) -> int:
        """Presses Ctrl-C until the program has ended, as people do; its exit status.

        Python loses one that comes just before it waits for input.
        """
        async with asyncio.timeout(_PATIENCE):
            while self._process.returncode is None:
                os.write(self._keyboard, b"\x03")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), 1)
        return self._process.returncode

    async def wait_for(self, pattern: str) -> None:
        """Waits for a match in what was written since the last one."""
        try:
            async with asyncio.timeout(_PATIENCE), self._news:
                while not (match := re.compile(pattern).search(self.text, self._read)):
                    await self._news.wait()
                self._read = match.end()
        except TimeoutError:
            raise AssertionError(f"no {pattern!r} in:\n{self.text}") from None

    async def wait(self) -> int:
        """The exit status once it has ended."""
        async with asyncio.timeout(_PATIENCE):
            return await self._process.wait()

    async def hear(self, screen: asyncio.StreamReader) -> None:
        """Takes in what the program writes, until it has ended."""
        # The screen of a terminal breaks when the last process that has it open ends.
        while chunk := await _next(screen):
            async with self._news:
                self.text += chunk.decode(errors="replace")
                self._news.notify_all()


@asynccontextmanager
async def at_terminal(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Terminal]:
    """Opsbell with these arguments at a terminal, killed at the end if it still runs."""
    ours, theirs = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPSBELL_", "SLACK_"))}
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *arguments),
            cwd=cwd,
            env=kept | {"TERM": "xterm", **(env or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
    finally:
        os.close(theirs)
    screen = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(screen), os.fdopen(ours, "rb", buffering=0)
    )
    terminal = Terminal(ours, process)
    hearing = asyncio.create_task(terminal.hear(screen))
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await hearing
        pipe.close()


def _own_terminal() -> None:
    """Makes standard input the terminal that controls this session, so that Ctrl-C arrives."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Who runs the tests in the background ignores Ctrl-C, and so would what they start.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def _next(screen: asyncio.StreamReader) -> bytes:
    try:
        return await screen.read(4096)
    except OSError:
        return b""
