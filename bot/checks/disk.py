"""Used space of a file system on this machine."""

import asyncio
import threading
from pathlib import Path
from typing import NamedTuple

import psutil

from bot.checks.finding import Finding
from bot.checks.thresholds import judge, number, reached
from bot.config.checks import DiskCheck
from bot.errors import Unavailable
from bot.words import size


class Usage(NamedTuple):
    """Space as df shows it: `percent` is used of what is used or free for ordinary users."""

    percent: float
    free: int


async def look_at_disk(check: DiskCheck) -> Finding:
    """Raises Unavailable where the path cannot be looked at."""
    try:
        usage = await _usage(check.path)
    except FileNotFoundError:
        raise Unavailable(f"The path {check.path} does not exist.", retryable=False) from None
    except OSError as error:
        raise Unavailable(f"{check.path} cannot be looked at: {error.strerror}.") from error
    limit = reached(usage.percent, check.warn, check.crit)
    note = f" (limit {number(limit)} %)" if limit is not None else ""
    return Finding(
        judge(usage.percent, check.warn, check.crit),
        f"{usage.percent:.0f} % of {check.path} used, {size(usage.free)} free{note}",
        value=usage.percent,
        unit="%",
    )


async def _usage(path: Path) -> Usage:
    """Asks in a thread of its own that nothing ever waits for: on a network share that does not
    answer it hangs in the kernel, and would hold up the end of the program."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Usage] = loop.create_future()

    def tell(usage: Usage | None, error: OSError | None) -> None:
        if answer.done():
            return
        if usage is not None:
            answer.set_result(usage)
        elif error is not None:
            answer.set_exception(error)

    def ask() -> None:
        usage, failure = None, None
        try:
            found = psutil.disk_usage(str(path))
            usage = Usage(found.percent, found.free)
        except OSError as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, usage, failure)

    threading.Thread(target=ask, name="disk-usage", daemon=True).start()
    return await answer
