"""The buckets that keep Opsbell below Slack's limits, on a clock of their own."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from bot.slack.pace import Bucket, Turns


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def passing(bucket: Bucket, count: int) -> int:
    """How many of `count` may pass now."""
    passed = 0
    while passed < count and bucket.wait() == 0:
        bucket.take()
        passed += 1
    return passed


def test_a_burst_passes_and_then_one_at_a_time() -> None:
    clock = Clock()
    bucket = Bucket(0.5, 3, clock)
    assert passing(bucket, 10) == 3
    assert bucket.wait() == pytest.approx(2)
    clock.now += 2
    assert passing(bucket, 10) == 1
    clock.now += 1000
    assert passing(bucket, 10) == 3


def test_no_minute_sees_more_than_slack_takes() -> None:
    clock = Clock()
    bucket = Bucket(45 / 60, 4, clock)
    passed: list[float] = []
    for _ in range(6000):
        passed += [clock.now] * passing(bucket, 100)
        clock.now += 0.05
    for start in passed:
        assert sum(start <= at < start + 60 for at in passed) <= 49


def test_a_pause_lets_nothing_pass_and_then_one() -> None:
    clock = Clock()
    bucket = Bucket(1, 5, clock)
    bucket.pause(30)
    assert bucket.wait() == pytest.approx(30)
    clock.now += 29
    assert passing(bucket, 5) == 0
    clock.now += 1
    assert passing(bucket, 5) == 1


def test_a_short_pause_does_not_end_a_long_one() -> None:
    clock = Clock()
    bucket = Bucket(1, 5, clock)
    bucket.pause(30)
    bucket.pause(1)
    assert bucket.wait() == pytest.approx(30)


async def test_turns_are_given_by_rank() -> None:
    clock = Clock()
    turns = Turns(Bucket(50, 1, clock))
    await turns.take((0,))
    order: list[int] = []

    async def wait(rank: int) -> None:
        await turns.take((rank,))
        order.append(rank)

    waiting = asyncio.gather(*(wait(rank) for rank in (3, 1, 2)))
    await asyncio.sleep(0)  # all three wait by now
    async with asyncio.timeout(10):
        while not waiting.done():
            clock.now += 1
            await asyncio.sleep(0.01)
    assert order == [1, 2, 3]


async def test_who_gives_up_takes_no_turn() -> None:
    clock = Clock()
    turns = Turns(Bucket(0.001, 1, clock))
    await turns.take((0,))
    given_up = asyncio.create_task(turns.take((1,)))
    await asyncio.sleep(0)
    given_up.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await given_up
    clock.now += 1000
    async with asyncio.timeout(1):
        await turns.take((2,))


async def test_a_turn_given_to_one_who_leaves_goes_to_the_next() -> None:
    clock = Clock()
    bucket = Bucket(0.001, 1, clock)
    turns = Turns(bucket)
    await turns.take((0,))
    leaving = asyncio.create_task(turns.take((1,)))
    await asyncio.sleep(0)
    clock.now += 1000
    staying = asyncio.create_task(turns.take((2,)))
    await asyncio.sleep(0)  # `leaving` has been given the turn, and not been told yet
    leaving.cancel()
    async with asyncio.timeout(1):
        await staying
    assert leaving.cancelled()
