"""What was asked a moment ago, for requests that only look and so leave no row."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import timedelta

from bot.slack.surface import Request
from bot.store.inbox import DOUBLE_CLICK

# Slack's second repetition of an event comes a minute after the first, the third 5 min later.
REPEATED_WITHIN = timedelta(minutes=10)
_MOST = 10_000


class Recent:
    """Tells repetitions of a request, and the second click of a double click, from new ones."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_new(self, request: Request) -> bool:
        """Whether the request is to be answered; asking remembers it."""
        key_is_new = self._is_new(request.key, REPEATED_WITHIN)
        return key_is_new and (not request.twin or self._is_new(request.twin, DOUBLE_CLICK))

    def _is_new(self, name: str, within: timedelta) -> bool:
        now = time.monotonic()
        seen = self._seen.pop(name, None)
        self._seen[name] = now
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        return seen is None or now - seen > within.total_seconds()
