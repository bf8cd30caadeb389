"""Searches log lines for a pattern, in a process of its own.

A pattern with two wild parts can take minutes for one line, and who writes into a log may be
anyone. Python's search cannot be interrupted and holds up everything else in its process, so it
gets one that can be ended.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bot.checks import match_lines
from bot.errors import Unavailable
from bot.targets.environment import for_children
from bot.targets.host_process import HostProcess, host_process
from bot.targets.model import LogLine

_BATCH = 64 * 1024


async def matching(lines: AsyncIterator[LogLine], pattern: str) -> AsyncIterator[LogLine]:
    """Those of the lines in which the pattern is found, in their order and in constant memory.

    Raises what `lines` raises. Ends the search when it is left.
    """
    # Isolated and without site-packages: it needs neither, and starts faster.
    argv = [sys.executable, "-I", "-S", match_lines.__file__, pattern]
    async with host_process(
        argv, environment=for_children(os.environ), directory=Path("/"), stdin=True
    ) as process:
        feeder = asyncio.create_task(_feed(process, lines))
        try:
            async for line in _lines_of(process):
                yield line
            if status := await process.wait():
                raise Unavailable(f"The search for the pattern ended with status {status}.")
            await feeder
        finally:
            feeder.cancel()
            await asyncio.wait({feeder})


async def _feed(process: HostProcess, lines: AsyncIterator[LogLine]) -> None:
    try:
        batch = bytearray()
        async for line in lines:
            batch += f"{line.at.isoformat()} {line.text}\n".encode()
            if len(batch) >= _BATCH:
                await process.write(bytes(batch))
                batch.clear()
        await process.write(bytes(batch))
    finally:
        # Also where reading the log failed: the search must come to its end.
        with suppress(Unavailable):
            await process.end_input()


async def _lines_of(process: HostProcess) -> AsyncIterator[LogLine]:
    rest = b""
    async for piece in process.chunks():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            at, _, text = line.decode().partition(" ")
            yield LogLine(datetime.fromisoformat(at), text)
