"""Waiting for state to change without polling: every change wakes those it concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Changes:
    """A list of watchers. A watcher looks at each changed thing and may find what it waits for."""

    def __init__(self) -> None:
        self._watchers: dict[asyncio.Future[Any], Callable[[Any], Any]] = {}
        self._listeners: list[Callable[[Any], None]] = []

    def publish(self, changed: Any) -> None:
        """Tell every watcher that this thing is new or different."""
        for future, look in list(self._watchers.items()):
            if future.done():
                continue
            try:
                found = look(changed)
            except Exception as error:  # noqa: BLE001 - it belongs to the watcher, who gets it
                future.set_exception(error)
                continue
            if found is not None:
                future.set_result(found)
        for listener in tuple(self._listeners):
            listener(changed)

    def listen(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Call `listener` with every changed thing until the returned function is called.

        It is called in the midst of the change: it takes note, does its work later, and never
        raises.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait_for(self, look: Callable[[Any], T | None], timeout: float) -> T:
        """The first value that `look` returns for a changed thing.

        Raises TimeoutError after `timeout` seconds.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._watchers[future] = look
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            del self._watchers[future]
