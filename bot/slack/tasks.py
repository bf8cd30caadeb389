"""Background work that cannot get lost: failures are logged, and stopping waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

logger = logging.getLogger(__name__)


class Tasks:
    """The tasks under way. Whoever starts one need not keep it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Runs work in the background; `name` stands in the log if it fails."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, limit: timedelta) -> None:
        """Waits until all work has ended, also what it started; cancels the rest at the limit."""
        try:
            async with asyncio.timeout(limit.total_seconds()):
                while self._running:
                    await asyncio.wait(self._running)
        except TimeoutError:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("task failed", extra={"task": task.get_name()}, exc_info=error)
