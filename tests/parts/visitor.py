"""A visitor who asks for one page again and again, and remembers each answer."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from bot.cancelling import end

PAUSE = 0.02
_PATIENCE = 10.0
NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """One answer. `asked` and `answered` are seconds of the monotonic clock; `status` is NO_ANSWER
    where none came, and `body` says why."""

    asked: float
    answered: float
    status: int
    body: str


@dataclass
class Visitor:
    """All answers so far, in their order."""

    answers: list[Answer] = field(default_factory=list)

    def failures(self) -> list[Answer]:
        """The answers that were not 200."""
        return [each for each in self.answers if each.status != 200]

    def statuses(self) -> list[int]:
        """The statuses in their order, each run of equal ones once."""
        return [status for status, _ in itertools.groupby(each.status for each in self.answers)]

    def versions(self, *known: str) -> list[str]:
        """Which of some words the pages had, in their order, each run of equal ones once."""
        told = (word for each in self.answers for word in known if word in each.body)
        return [word for word, _ in itertools.groupby(told)]

    def longest_outage(self) -> float:
        """The most seconds from the end of one good answer to the end of the next."""
        good = [each.answered for each in self.answers if each.status == 200]
        return max((b - a for a, b in itertools.pairwise(good)), default=0.0)


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[Visitor]:
    """A visitor while the block lasts; every request has a connection of its own."""
    visitor = Visitor()
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, timeout=_PATIENCE, trust_env=False) as client:
        asking = asyncio.create_task(_ask(client, url, visitor))
        try:
            yield visitor
        finally:
            await end([asking])


async def _ask(client: httpx.AsyncClient, url: str, visitor: Visitor) -> None:
    while True:
        asked = time.monotonic()
        try:
            response = await client.get(url)
            status, body = response.status_code, response.text
        except httpx.TransportError as error:
            status, body = NO_ANSWER, repr(error)
        visitor.answers.append(Answer(asked, time.monotonic(), status, body))
        await asyncio.sleep(PAUSE)
