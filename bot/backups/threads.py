"""Blocking work in threads, waited for to its real end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bot.targets.waiting import to_the_end

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `work` in a thread. A cancelled caller still waits until it has ended: what it writes
    to would otherwise be closed or removed under its hands."""
    return await to_the_end(asyncio.to_thread(work, *args, **kwargs))
