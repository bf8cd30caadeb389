"""Offered load: people who type commands at random moments, whatever becomes of earlier ones."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.apps import CHANNEL, TEAM
from bot.playground import LocalSlack, Message

COMMAND = "/backup now"
ANSWER_LIMIT = 30.0
"""Seconds after the last ack in which answers still count."""


@dataclass
class Result:
    """What became of one stretch of load. Times are in seconds, one for each command.

    `acks` and `answers` count from the moment at which the command was meant to be typed, so a
    command that had to wait for its turn on this busy machine counts as slow, not as late.
    """

    offered: int
    acks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    seconds: float = 0.0


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """When commands are typed: independent of one another, `rate` a second on average."""
    chance = random.Random(seed)  # noqa: S311 - both sides must get the same
    moments: list[float] = []
    at = chance.expovariate(rate)
    while at < seconds:
        moments.append(at)
        at += chance.expovariate(rate)
    return moments


async def offer(slack: LocalSlack, moments: Sequence[float], *, answered: bool) -> Result:
    """Has the team type a command at each of the moments (seconds from now), in turn.

    With `answered`, waits until each was also answered by an ephemeral message.
    """
    result = Result(len(moments))
    watch = _Answers(slack, result) if answered else None
    gc.collect()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, moment in enumerate(moments):
            await asyncio.sleep(max(0.0, began + moment - time.perf_counter()))
            who = f"U0BENCH{number % TEAM:04d}"
            if watch:
                watch.expect(who, began + moment)
            group.create_task(_type(slack, who, began + moment, result))
    result.seconds = time.perf_counter() - began
    if watch:
        await watch.all_seen()
    return result


async def _type(slack: LocalSlack, who: str, typed_at: float, result: Result) -> None:
    outcome = await slack.person(who).command(COMMAND, CHANNEL)
    if outcome.acked:
        result.acks.append(time.perf_counter() - typed_at)


class _Answers:
    """Takes the time of each answer. A person's answers come in the order of their commands."""

    def __init__(self, slack: LocalSlack, result: Result) -> None:
        self._typed: defaultdict[str, deque[float]] = defaultdict(deque)
        self._result = result
        self._offered = False
        watching = slack.backend.changes.wait_for(self._look, math.inf)
        self._watching: asyncio.Task[bool] = asyncio.create_task(watching)

    def expect(self, who: str, typed_at: float) -> None:
        """A command was typed then, whose answer is to come."""
        self._typed[who].append(typed_at)

    async def all_seen(self) -> None:
        """Returns when nothing is left to come, or cannot be counted on any more."""
        self._offered = True
        if any(self._typed.values()):
            await asyncio.wait({self._watching}, timeout=ANSWER_LIMIT)
        self._watching.cancel()

    def _look(self, changed: object) -> bool | None:
        """Keeps watching (None) until the last answer is there."""
        if isinstance(changed, Message) and (queue := self._typed.get(changed.ephemeral_for or "")):
            self._result.answers.append(time.perf_counter() - queue.popleft())
            if self._offered and not any(self._typed.values()):
                return True
        return None


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest time that at least `share` of them do not exceed; infinite where none came."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.inf
