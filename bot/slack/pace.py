"""How often Slack is called: below its limits, so that its refusals stay the exception."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Any

# Slack takes about 50 edits a minute from an app, and one new message a second in a channel
# with short bursts; both counts are kept somewhat below.
UPDATES_PER_MINUTE = 45
UPDATE_BURST = 4
POSTS_PER_SECOND = 1.0
POST_BURST = 5

Rank = tuple[Any, ...]


class Bucket:
    """Lets `burst` pass at once and `rate` a second after that."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens = float(burst)
        self._filled = clock()

    def wait(self) -> float:
        """The seconds until one may pass; 0 when one may now."""
        now = self._clock()
        if now > self._filled:
            refilled = self._tokens + (now - self._filled) * self._rate
            self._tokens, self._filled = min(float(self._burst), refilled), now
        missing = max(0.0, 1 - self._tokens) / self._rate
        return missing + max(0.0, self._filled - now)

    def take(self) -> None:
        """Counts one that passes."""
        self._tokens -= 1

    def give_back(self) -> None:
        """Uncounts one that did not pass after all."""
        self._tokens += 1

    def pause(self, seconds: float) -> None:
        """Lets nothing pass for so long, as Slack's Retry-After asks; then one at a time."""
        self._tokens = min(self._tokens, 1.0)
        self._filled = max(self._filled, self._clock() + seconds)


class Turns:
    """One bucket shared by many: who waits is let through by rank, lowest first."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, rank: Rank) -> None:
        """Waits for a turn. Cancelled, it takes none."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), turn))
        self._let_through()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._bucket.give_back()
                self._let_through()
            raise

    def pause(self, seconds: float) -> None:
        """Lets no one through for so long."""
        self._bucket.pause(seconds)

    def _let_through(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            turn = self._waiting[0][2]
            if turn.done():
                heapq.heappop(self._waiting)
                continue
            if wait := self._bucket.wait():
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(wait, self._let_through)
                return
            heapq.heappop(self._waiting)
            self._bucket.take()
            turn.set_result(None)


class Pace:
    """The buckets of one process. Other replicas have theirs; Slack's 429 settles the rest."""

    def __init__(self) -> None:
        self.updates = Turns(Bucket(UPDATES_PER_MINUTE / 60, UPDATE_BURST))
        self._posts: dict[str, Bucket] = {}

    def posts(self, channel_id: str) -> Bucket:
        """The bucket for new messages in one channel."""
        return self._posts.setdefault(channel_id, Bucket(POSTS_PER_SECOND, POST_BURST))
