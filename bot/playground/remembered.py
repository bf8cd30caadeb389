"""A list of what happened that need not grow for ever."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Remembered(list[T]):
    """What is appended; of more than `limit` the oldest are dropped (None: none is)."""

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self._limit = limit

    def append(self, item: T) -> None:
        super().append(item)
        if self._limit is not None and len(self) > self._limit:
            del self[0]
