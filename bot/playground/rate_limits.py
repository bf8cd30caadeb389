"""How often each method may be called: Slack's published tiers, and its special cases."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

# Calls a minute of each method. Slack says "100+" for tier 4, and "several hundred" for posts in
# a workspace; "auth" (auth.test, getPermalink) is the number in Slack's Java SDK.
TIERS = {"2": 20, "3": 50, "4": 100, "auth": 600, "post": 300}
POSTS_PER_SECOND = 1.0  # in one channel, on average
POST_BURST = 10  # posts in one channel at once


class Window:
    """At most `limit` calls in any minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Take a call if there is one and return 0; else the seconds until there is."""
        while self._calls and self._calls[0] <= now - 60:
            self._calls.popleft()
        if len(self._calls) >= self._limit:
            return self._calls[0] + 60 - now
        self._calls.append(now)
        return 0


class Bucket:
    """Posts in one channel: a burst, then one a second."""

    def __init__(self, now: float) -> None:
        self._tokens = float(POST_BURST)
        self._filled = now

    def wait(self, now: float) -> float:
        """Take a post if there is one and return 0; else the seconds until there is."""
        refilled = self._tokens + (now - self._filled) * POSTS_PER_SECOND
        self._tokens, self._filled = min(float(POST_BURST), refilled), now
        if self._tokens < 1:
            return (1 - self._tokens) / POSTS_PER_SECOND
        self._tokens -= 1
        return 0


class RateLimits:
    """The limits of one app in one workspace."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._channels: dict[str, Bucket] = {}

    def check(self, method: str, tier: str, channel: str = "") -> int:
        """Count a call. Returns 0, or the whole seconds for Retry-After if it is one too many.

        A post, tier "post", also counts against its channel.
        """
        now = self._clock()
        if tier == "post":
            bucket = self._channels.setdefault(channel, Bucket(now))
            if wait := bucket.wait(now):
                return math.ceil(wait)
        window = self._windows.setdefault(method, Window(TIERS[tier]))
        return math.ceil(window.wait(now))
