"""The frame that the steps of capabilities run in: they find what they work on, and work on it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from bot.errors import Failed, OpsbellError
from bot.operations.model import Operation, StepContext
from bot.store.database import AWAY
from bot.targets.text import storable

logger = logging.getLogger(__name__)

T = TypeVar("T")
Result = Mapping[str, Any]
Work = Callable[[T, StepContext], Awaitable[Result]]


async def nothing(subject: object, context: StepContext) -> None:
    """Undoes nothing: there is nothing to take back, or nothing can be."""


async def not_known(subject: object, context: StepContext) -> Result | None:
    """None: what a step that was cut off has done cannot be seen, or is of no use by itself."""
    return None


class WorkStep(Generic[T]):
    """See `bot.operations.model.StepKind`. What it works on is found anew from its operation each
    time. What the disk refuses is told as a failure."""

    def __init__(
        self,
        find: Callable[[Operation], T],
        work: Work[T],
        *,
        undo: Callable[[T, StepContext], Awaitable[str | None]] = nothing,
        done: Callable[[T, StepContext], Awaitable[Result | None]] = not_known,
    ) -> None:
        self._find = find
        self._work = work
        self._undo = undo
        self._done = done

    async def run(self, context: StepContext) -> Result:
        """Does the step's work."""
        with _disk_told():
            return await self._work(self._find(context.operation), context)

    async def undo(self, context: StepContext) -> str | None:
        """Takes back what the step may have done; what people have to know of how things are."""
        with _disk_told():
            return await self._undo(self._find(context.operation), context)

    async def done(self, context: StepContext) -> Result | None:
        """The step's result where all that it is for is so, as far as that can be seen. Raises
        AWAY."""
        try:
            return await self._done(self._find(context.operation), context)
        except AWAY:
            raise
        except (OSError, OpsbellError) as error:
            logger.warning("outcome of a step not known", extra={"error": str(error)})
            return None


@contextlib.contextmanager
def _disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = f": {storable(str(error.filename))}" if error.filename else ""
        raise Failed(f"{error.strerror or error}{place}.") from error
