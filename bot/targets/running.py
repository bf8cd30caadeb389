"""Runs a process to its end and keeps what it wrote: the same for every runtime."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from pathlib import Path

from bot.errors import Unavailable
from bot.targets.model import Completed, Process
from bot.targets.output import Capped
from bot.words import duration

OUTPUT_LIMIT = 1024 * 1024


async def run_process(
    start: Callable[[Capped], AbstractAsyncContextManager[Process]],
    *,
    program: str,
    timeout: timedelta,
    stdin: bytes = b"",
) -> Completed:
    """Runs what `start` starts (given the place for its errors) to its end.

    Raises Unavailable at the time limit, after the process was ended.
    """
    output, errors = Capped(OUTPUT_LIMIT), Capped(OUTPUT_LIMIT)
    try:
        async with asyncio.timeout(timeout.total_seconds()), start(errors) as process:
            feeder = asyncio.create_task(_feed(process, stdin))
            try:
                async for piece in process.chunks():
                    output.add(piece)
                status = await process.wait()
            finally:
                # A process may end without reading all of its input.
                feeder.cancel()
                await asyncio.wait({feeder})
    except TimeoutError:
        raise Unavailable(
            f"{Path(program).name} did not end within {duration(timeout)} and was ended."
        ) from None
    return Completed(status, output.text(), errors.text())


async def _feed(process: Process, data: bytes) -> None:
    if not data:
        return
    # Where the process no longer reads, its exit status says what that meant.
    with suppress(Unavailable):
        await process.write(data)
        await process.end_input()
