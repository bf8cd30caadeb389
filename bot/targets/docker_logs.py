"""The log of a container, as the Engine keeps it."""

import heapq
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from urllib.parse import urlencode

from docker.api.client import APIClient

from bot.targets.engine import Engine
from bot.targets.frames import Frames
from bot.targets.model import LogLine
from bot.targets.text import text_of

_LONGEST_LINE = 64 * 1024


async def container_log(
    engine: Engine, container_id: str, since: datetime
) -> AsyncGenerator[LogLine, None]:
    """The lines of both outputs from `since` on, in the order in which the Engine got them.

    A line longer than 64 KiB is cut there. Raises Unavailable where the log breaks off.
    """
    found = await engine.call(APIClient.inspect_container, container_id)
    # With a terminal there is one output, and the Engine sends it as it is, not in frames.
    lines = _Lines() if found["Config"]["Tty"] else _FramedLines()
    query = urlencode(
        {"stdout": 1, "stderr": 1, "timestamps": 1, "since": f"{since.timestamp():.6f}"}
    )
    stream = await engine.get_stream(f"/containers/{container_id}/logs?{query}")
    try:
        while data := await stream.read():
            for line in lines.feed(data):
                yield line
        for line in lines.end():
            yield line
    finally:
        stream.close()


async def merged(logs: Sequence[AsyncGenerator[LogLine, None]]) -> AsyncIterator[LogLine]:
    """The lines of several logs in the order of their times; each log alone keeps its own."""
    async with AsyncExitStack() as opened:
        heads: list[tuple[datetime, int, LogLine]] = []
        for index, log in enumerate(logs):
            await opened.enter_async_context(aclosing(log))
            if (first := await anext(log, None)) is not None:
                heads.append((first.at, index, first))
        heapq.heapify(heads)
        while heads:
            _, index, line = heads[0]
            yield line
            following = await anext(logs[index], None)
            if following is None:
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, (following.at, index, following))


class _Lines:
    """Puts lines together from pieces, and reads the time that the Engine wrote before each."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False
        self._at = datetime.fromtimestamp(0, UTC)

    def feed(self, data: bytes) -> list[LogLine]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        if whole and self._too_long:
            whole.pop(0)
            self._too_long = False
        if self._too_long:
            self._rest = b""
        elif len(self._rest) > _LONGEST_LINE:
            whole.append(self._rest)
            self._rest, self._too_long = b"", True
        return [self._line(line[:_LONGEST_LINE]) for line in whole]

    def end(self) -> list[LogLine]:
        rest, self._rest = self._rest, b""
        return [self._line(rest)] if rest else []

    def _line(self, line: bytes) -> LogLine:
        stamp, _, text = text_of(line).rstrip("\r").partition(" ")
        try:
            self._at = _engine_time(stamp)
        except ValueError:
            text = text_of(line)
        return LogLine(self._at, text)


class _FramedLines:
    """The same for both outputs of a container, whose pieces come mixed."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._outputs: dict[int, _Lines] = {}

    def feed(self, data: bytes) -> list[LogLine]:
        return [
            line
            for stream, content in self._frames.feed(data)
            for line in self._outputs.setdefault(stream, _Lines()).feed(content)
        ]

    def end(self) -> list[LogLine]:
        return [line for output in self._outputs.values() for line in output.end()]


def _engine_time(stamp: str) -> datetime:
    """RFC 3339 with nine digits of a second, of which a datetime holds six."""
    whole, dot, rest = stamp.partition(".")
    if not dot or not rest.endswith("Z"):
        raise ValueError("not a time of the Engine's")
    return datetime.fromisoformat(f"{whole}.{rest[:-1][:6].ljust(6, '0')}+00:00")
