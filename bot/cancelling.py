"""Ending tasks for certain, although a cancellation can get lost on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

# Longer than a worker waits for the jobs it runs before it gives them up.
CANCEL_AGAIN = timedelta(seconds=10)


def being_cancelled() -> bool:
    """Whether the running task was asked to end. An error of the database on its way out takes
    the place of the cancellation, so whoever catches such errors in a loop asks for it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks and returns when they have ended, however they did.

    They are cancelled again where they go on: in Python 3.11, `asyncio.wait_for` swallows a
    cancellation that arrives together with its result, and psycopg's pool waits by it.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN.total_seconds())
