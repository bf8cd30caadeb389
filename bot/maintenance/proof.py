"""Whether visitors meet what they should: 503 while maintenance is on, 200 after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx

from bot.checks.http import cause_of

ON, OFF = 503, 200

PATIENCE = timedelta(seconds=8)
"""How long a page may take to follow the file: applications and proxies look when they look."""

_EVERY = 0.5
_ANSWER_LIMIT = 5.0


@dataclass(frozen=True)
class Proof:
    """What a page answered: its `status`, or why it gave none. `wanted` is what it should."""

    url: str
    wanted: int
    status: int | None = None
    trouble: str = ""

    @property
    def sound(self) -> bool:
        """Whether it answered as it should."""
        return self.status == self.wanted

    @property
    def said(self) -> str:
        """What was met, as a clause: `the page answers 200 instead of 503`."""
        if self.status is None:
            return f"the page does not answer ({self.trouble})"
        if self.sound:
            return f"the page answers {self.status}"
        return f"the page answers {self.status} instead of {self.wanted}"


async def look(url: str, wanted: int) -> Proof:
    """One GET; redirects are not followed, and the body is not read."""
    try:
        async with (
            asyncio.timeout(_ANSWER_LIMIT),
            httpx.AsyncClient(timeout=None) as client,  # noqa: S113 - the limit is around it
            client.stream("GET", url, headers={"User-Agent": "opsbell"}) as response,
        ):
            return Proof(url, wanted, response.status_code)
    except TimeoutError:
        return Proof(url, wanted, trouble=f"nothing within {_ANSWER_LIMIT:.0f} s")
    except httpx.TransportError as error:
        return Proof(url, wanted, trouble=cause_of(error))


async def prove(
    url: str,
    wanted: int,
    *,
    patience: timedelta = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
) -> Proof:
    """Looks until the page answers as it should, for as long as `patience`; the last look."""
    until = clock() + patience.total_seconds()
    while True:
        proof = await look(url, wanted)
        if proof.sound or clock() >= until:
            return proof
        await asyncio.sleep(_EVERY)
