"""From the start of a process to its proven end, wherever it runs."""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from bot.errors import OpsbellError
from bot.targets.waiting import to_the_end


class Endable(Protocol):
    """Something that was started, wholly or in part, and can be ended."""

    async def end(self) -> None:
        """Ends what is left of it. Raises OpsbellError where something outlives that."""
        ...


P = TypeVar("P", bound=Endable)

log = logging.getLogger(__name__)


@asynccontextmanager
async def lifetime(process: P, start: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[P]:
    """Starts the process, and ends it when the block is left, however that comes about; a
    cancellation waits for both. Raises what `start` and `end` raise."""
    try:
        await to_the_end(start())
        yield process
    except BaseException:
        # The first error is the one to hear of; an end that failed is in the log.
        try:
            await to_the_end(process.end())
        except OpsbellError:
            log.exception("a process was not ended", extra={"action": "process.end"})
        raise
    await to_the_end(process.end())
