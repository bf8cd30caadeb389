"""Processes in a container: complete output or an error, a real exit status, a proven end."""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import PurePosixPath

from docker.api.client import APIClient

from bot.errors import NotFound, OpsbellError, Unavailable
from bot.targets.container import Container
from bot.targets.container_scripts import START, end_mark
from bot.targets.frames import STDOUT, Frames
from bot.targets.lifetime import lifetime
from bot.targets.marked_output import MarkedOutput
from bot.targets.output import ERROR_TAIL, Capped
from bot.targets.streams import Stream
from bot.targets.text import text_of

_START_LIMIT = 10.0
_SETTLE_LIMIT = 10.0
_LAST_ERRORS_LIMIT = 2.0
_LOOK_EVERY = 0.1
_FIRST_LINE_LIMIT = 4096

log = logging.getLogger(__name__)


def docker_process(
    container: Container,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: bool = False,
    errors: Capped | None = None,
) -> AbstractAsyncContextManager["DockerProcess"]:
    """A process in a container, with this environment added to the container's own.

    Raises NotFound where the program is not in the container, Unavailable where the container
    cannot be reached, and on leaving where the process cannot be ended.
    """
    process = DockerProcess(container, argv, errors or Capped(2 * ERROR_TAIL))
    return lifetime(process, partial(process.start, environment, stdin=stdin))


class DockerProcess:
    """See `bot.targets.model.Process`. Errors come with the output: they are as new as the last
    read of it."""

    def __init__(self, container: Container, argv: Sequence[str], errors: Capped) -> None:
        self._container = container
        self._argv = argv
        self._errors = errors
        self._token = secrets.token_hex(16)
        self._output = MarkedOutput(end_mark(self._token))
        self._frames = Frames()
        self._exec_id = ""
        self._pid = 0
        self._stream: Stream
        self._stdin = False

    async def start(self, environment: Mapping[str, str], *, stdin: bool) -> None:
        """Starts it; see `docker_process`. `end` must follow, also where this raises."""
        self._stdin = stdin
        command = ("sh", "-c", START, "sh", self._token, *self._argv)
        self._exec_id, self._stream = await self._container.open_exec(
            command, environment=environment, stdin=stdin
        )
        try:
            async with asyncio.timeout(_START_LIMIT):
                await self._read_first_line()
        except TimeoutError:
            raise Unavailable(
                f"{self._program} did not start within {_START_LIMIT:.0f} s in the service "
                f"{self._container.service}."
            ) from None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Standard output as it comes. Raises Unavailable where it ends before it is complete."""
        while piece := await self._read():
            yield piece

    async def write(self, data: bytes) -> None:
        """Sends to standard input. Raises Unavailable where the process no longer reads it."""
        try:
            await self._input().write(data)
        except ConnectionError:
            raise Unavailable(f"{self._program} no longer reads its input.") from None

    async def end_input(self) -> None:
        """Closes standard input; to a process that has ended already this means nothing."""
        try:
            await self._input().end_input()
        except OSError:
            log.debug("%s ended before its input did", self._program)

    async def wait(self) -> int:
        """The exit status, as the Engine knows it: 128 and the signal's number for a signal.

        What is left of standard output is read and dropped.
        """
        async for _ in self.chunks():
            pass
        await self._read_last_errors()
        return await self._exit_status()

    @property
    def error_tail(self) -> str:
        """The last 8 KiB of standard error so far."""
        return self._errors.tail(ERROR_TAIL)

    async def end(self) -> None:
        """Ends what still runs: asks, kills after 5 s, and looks until nothing of it is left.

        A process that has ended by itself is left in peace, also what it put into the background.
        Raises Unavailable where something is still there at the end.
        """
        if self._exec_id:
            # First, since the Engine says nothing of other processes in the container while it
            # waits for the output of one that ended to be read.
            self._stream.close()
        if self._pid and not self._output.complete:
            await self._container.end_session(self._pid, self._program)

    @property
    def _program(self) -> str:
        return PurePosixPath(self._argv[0]).name

    def _input(self) -> Stream:
        if not self._stdin:
            raise ValueError("the process was started without standard input")
        return self._stream

    async def _read(self) -> bytes:
        """The next piece of standard output; none at its proven end."""
        while not (piece := self._output.take()):
            if self._output.complete:
                return b""
            data = await self._stream.read()
            if not data:
                raise await self._cut_off()
            self._keep(data)
        return piece

    def _keep(self, data: bytes) -> None:
        output = []
        for stream, content in self._frames.feed(data):
            if stream == STDOUT:
                output.append(content)
            else:
                self._errors.add(content)
        # At once: each piece alone would be searched together with all before it.
        self._output.add(b"".join(output))

    async def _read_first_line(self) -> None:
        """Learns where the process runs, from the line that the start script writes first."""
        expected = re.compile(rb"^" + self._token.encode() + rb" (\d+) (\w+)\n", re.MULTILINE)
        errors = b""
        while not (line := expected.search(errors)):
            data = await self._stream.read()
            if not data or len(errors) > _FIRST_LINE_LIMIT:
                raise await self._cut_off(text_of(errors))
            for stream, content in self._frames.feed(data):
                if stream == STDOUT:
                    self._output.add(content)
                else:
                    errors += content
        self._errors.add(errors[: line.start()] + errors[line.end() :])
        if line[2] != b"found":
            raise NotFound(
                f"The program {self._argv[0]} is not in the service {self._container.service}."
            )
        self._pid = int(line[1])

    async def _exit_status(self) -> int:
        """Asks the Engine, which may learn of the end a little later than the output ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_LIMIT):
                while True:
                    if (status := await self._known_status()) is not None:
                        return status
                    await asyncio.sleep(_LOOK_EVERY)
        raise Unavailable(f"The Docker Engine does not say how {self._program} ended.")

    async def _known_status(self) -> int | None:
        try:
            state = await self._container.engine.call(APIClient.exec_inspect, self._exec_id)
        except NotFound:
            raise await self._cut_off() from None
        return None if state["Running"] else state["ExitCode"]

    async def _read_last_errors(self) -> None:
        """Errors travel beside the output and may come after its end; the connection ends after
        both, unless something in the background holds it open. The Engine resets it where the
        process left input unread, which may cost the last of them."""
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(_LAST_ERRORS_LIMIT):
                while data := await self._stream.read():
                    self._keep(data)

    async def _cut_off(self, said: str = "") -> OpsbellError:
        """Why the output ended too early: the container is gone, or something killed it all."""
        service = self._container.service
        if not await self._container.still_runs():
            return Unavailable(
                f"The service {service} stopped while {self._program} ran in it.",
                hint=f"Look at the log of {service}.",
            )
        if not self._pid:
            return Unavailable(
                f"{self._program} could not be started in the service {service}: "
                f"{_last_line(said) or 'there is no shell (sh) in its container'}.",
                retryable=False,
            )
        return Unavailable(f"{self._program} in the service {service} was cut off before its end.")


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2].rstrip(".")[:300]
