"""Processes on this machine, each in a session of its own so that all of it can be ended."""

import asyncio
import contextlib
import fcntl
import logging
import os
import termios
from array import array
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

from bot.errors import NotFound, Unavailable
from bot.targets.lifetime import lifetime
from bot.targets.output import ERROR_TAIL, Capped
from bot.targets.session import end_session

_PIECE = 256 * 1024
_SILENCE = 0.5

log = logging.getLogger(__name__)


def host_process(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    stdin: bool = False,
    errors: Capped | None = None,
) -> AbstractAsyncContextManager["HostProcess"]:
    """A process on this machine with exactly this environment, in this working directory.

    Raises NotFound where the program or the directory does not exist, Unavailable where the
    program cannot be started, and on leaving where the process cannot be ended.
    """
    process = HostProcess(argv[0], stdin=stdin, errors=errors or Capped(2 * ERROR_TAIL))
    return lifetime(process, partial(process.start, argv, environment, directory))


class HostProcess:
    """See `bot.targets.model.Process`."""

    def __init__(self, program: str, *, stdin: bool, errors: Capped) -> None:
        self._program = Path(program).name
        self._stdin = stdin
        self._errors = errors
        self._output = asyncio.StreamReader(limit=_PIECE)
        self._pipes: list[asyncio.ReadTransport] = []
        self._started = False
        self._process: asyncio.subprocess.Process
        self._ended: asyncio.Task[int]
        self._error_reader: asyncio.Task[None]

    async def start(
        self, argv: Sequence[str], environment: Mapping[str, str], directory: Path
    ) -> None:
        """Starts it; see `host_process`. `end` must follow, also where this raises."""
        error_stream = asyncio.StreamReader(limit=_PIECE)
        # Pipes of our own: asyncio's cannot be closed while a process in the background has them.
        with contextlib.ExitStack() as theirs:
            stdout = await self._pipe(self._output, theirs)
            stderr = await self._pipe(error_stream, theirs)
            self._process = await self._spawn(argv, environment, directory, stdout, stderr)
        # A full pipe of errors would stop the process, so they are always read.
        self._ended = asyncio.create_task(self._process.wait())
        self._error_reader = asyncio.create_task(self._drain(error_stream))
        self._started = True

    async def chunks(self) -> AsyncIterator[bytes]:
        """Standard output as it comes, to its end.

        What the process has left in the background may hold the pipe open for ever: once the
        process has ended and all that it wrote was read, silence is the end too.
        """
        while piece := await self._read(self._output, self._pipes[0]):
            yield piece

    async def write(self, data: bytes) -> None:
        """Sends to standard input. Raises Unavailable where the process no longer reads it."""
        writer = self._input()
        try:
            writer.write(data)
            await writer.drain()
        except ConnectionError:
            raise Unavailable(f"{self._program} no longer reads its input.") from None

    async def end_input(self) -> None:
        """Closes standard input once it has taken what was sent; does not wait for that. To a
        process that has ended already this means nothing."""
        self._input().close()

    async def wait(self) -> int:
        """The exit status, as a shell gives it: 128 and the signal's number for a signal.

        What is left of standard output is read and dropped.
        """
        async for _ in self.chunks():
            pass
        await asyncio.wait({self._error_reader})
        status = await self._process.wait()
        return status if status >= 0 else 128 - status

    @property
    def error_tail(self) -> str:
        """The last 8 KiB of standard error so far."""
        return self._errors.tail(ERROR_TAIL)

    async def end(self) -> None:
        """Ends what still runs and closes its pipes.

        A process that has ended by itself is left in peace, also what it put into the background.
        Raises Unavailable where something is still there at the end.
        """
        try:
            if self._started and self._process.returncode is None:
                await end_session(self._process.pid, self._program)
                await self._process.wait()
        finally:
            if self._started:
                self._error_reader.cancel()
                self._ended.cancel()
                await asyncio.wait({self._error_reader, self._ended})
                if self._process.stdin is not None:
                    self._process.stdin.close()
            for pipe in self._pipes:
                pipe.close()

    async def _read(self, stream: asyncio.StreamReader, pipe: asyncio.ReadTransport) -> bytes:
        reading = asyncio.create_task(stream.read(_PIECE))
        try:
            await asyncio.wait({reading, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            while not reading.done():
                await asyncio.wait({reading}, timeout=_SILENCE)
                # What had arrived in the meantime was fed to the stream; its reader runs now.
                await asyncio.sleep(0)
                if not reading.done() and not _waiting(pipe):
                    return b""
            return reading.result()
        finally:
            reading.cancel()

    async def _drain(self, stream: asyncio.StreamReader) -> None:
        while piece := await self._read(stream, self._pipes[1]):
            self._errors.add(piece)

    def _input(self) -> asyncio.StreamWriter:
        if self._process.stdin is None:
            raise ValueError("the process was started without standard input")
        return self._process.stdin

    async def _pipe(self, reader: asyncio.StreamReader, theirs: contextlib.ExitStack) -> int:
        """Connects a new pipe to `reader`; returns the end that the process writes to."""
        ours, end = os.pipe()
        theirs.callback(os.close, end)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
        )
        self._pipes.append(transport)
        return end

    async def _spawn(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        stdout: int,
        stderr: int,
    ) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *argv,
                env=environment,
                cwd=directory,
                stdin=PIPE if self._stdin else DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            if str(error.filename) == str(directory):
                raise NotFound(f"The directory {directory} does not exist.") from None
            raise NotFound(
                f"The program {argv[0]} is not installed on this machine.",
                hint="Install it, or put its directory on Opsbell's PATH.",
            ) from None
        except OSError as error:
            raise Unavailable(
                f"{argv[0]} could not be started: {error.strerror}.", retryable=False
            ) from error


def _waiting(pipe: asyncio.ReadTransport) -> int:
    """How many bytes in a pipe were not read yet."""
    count = array("i", [0])
    fcntl.ioctl(pipe.get_extra_info("pipe").fileno(), termios.FIONREAD, count)
    return count[0]
