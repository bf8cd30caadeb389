"""Sockets that drop, go deaf, are told to go, or cannot be opened."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import aiohttp
import pytest

from bot.playground import LocalSlack
from bot.slack import sockets
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import Edge, edge


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False, ack_timeout=60) as server:
        yield server


@pytest.fixture
async def bot(slack: LocalSlack, database: Database, queue: Queue) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue, silence=timedelta(seconds=1)) as running:
        await slack.wait_connected(2)
        yield running


def test_a_deaf_socket_is_replaced_within_a_minute() -> None:
    worst = sockets.SILENCE + sockets.OPEN_LIMIT
    assert worst < timedelta(seconds=60)


async def test_no_part_of_connecting_takes_longer_than_its_limit(
    slack: LocalSlack, database: Database, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "OPEN_LIMIT", timedelta(seconds=0.3))
    slack.faults.silent("apps.connections.open", times=2)
    async with edge(slack, database, queue, work=False):
        await slack.wait_connected(2)


async def test_a_slack_that_greets_and_hangs_up_is_not_besieged(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    async def hang_up() -> None:
        while True:
            await slack.sockets.disconnect()
            await asyncio.sleep(0.01)

    async with edge(slack, database, queue, work=False) as bot:
        await slack.wait_connected(2)
        before, began = len(slack.calls_to("apps.connections.open")), time.monotonic()
        hanging_up = asyncio.create_task(hang_up())
        async with asyncio.timeout(30):
            while "as soon as they are made" not in bot.gateway.status().trouble:
                await asyncio.sleep(0.01)
            while len(opened := slack.calls_to("apps.connections.open")[before:]) < 6:
                await asyncio.sleep(0.01)
        hanging_up.cancel()
        # One of the two has come a third time, after 0.25, 0.5 and 1 s.
        assert opened[5].at - began >= 1.75
        await slack.wait_connected(2, timeout=30)


async def test_what_keeps_one_socket_from_opening_is_told_while_the_other_is_up(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    slack.faults.rate_limit("apps.connections.open", times=1, retry_after=60)
    async with edge(slack, database, queue, work=False) as bot:
        async with asyncio.timeout(30):
            while not (bot.gateway.status().sockets == 1 and bot.gateway.status().trouble):
                await asyncio.sleep(0.01)


async def test_deaf_sockets_are_replaced(slack: LocalSlack, bot: Edge) -> None:
    slack.faults.deaf_sockets()
    deaf = set(slack.sockets.connections)
    await slack.wait_connected(2)
    async with asyncio.timeout(10):
        while deaf & set(slack.sockets.connections):
            await asyncio.sleep(0.02)
    assert (await slack.person("alice").command("/backup now", "ops")).acked
    assert bot.gateway.status().ready


async def test_sockets_that_hear_are_left_alone(
    slack: LocalSlack, database: Database, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0  # seconds, on a clock that stands while the machine does
    monkeypatch.setattr(sockets, "time", SimpleNamespace(monotonic=lambda: now))
    silence = timedelta(seconds=0.5)
    async with edge(slack, database, queue, silence=silence, work=False):
        await slack.wait_connected(2)
        alice = slack.person("alice")
        before = len(slack.calls_to("apps.connections.open"))
        for _ in range(60):
            # The payload goes over a socket picked at random; in 33 of them both are reached.
            await alice.command("/backup nwo", "ops")
            now += 0.015
            await asyncio.sleep(0.02)
        assert len(slack.calls_to("apps.connections.open")) == before


async def test_replacing_loses_no_payload(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    outcomes = []
    for number in range(200):
        if number % 10 == 5:
            await slack.sockets.disconnect("warning")
        outcomes.append(asyncio.create_task(alice.command("/backup nwo", "ops")))
        await asyncio.sleep(0.005)
    done = await asyncio.gather(*outcomes)
    assert [outcome.error for outcome in done] == [None] * len(done)
    assert len(slack.calls_to("apps.connections.open")) > 2


async def test_dropped_sockets_come_back_at_once(slack: LocalSlack, bot: Edge) -> None:
    await slack.faults.drop_sockets()
    async with asyncio.timeout(5):
        while slack.sockets.connections:
            await asyncio.sleep(0)
        await slack.wait_connected(2)
    assert (await slack.person("alice").command("/backup now", "ops")).acked


async def test_slack_away_and_back(slack: LocalSlack, bot: Edge) -> None:
    await slack.faults.away()
    async with asyncio.timeout(10):
        while bot.gateway.status().ready:
            await asyncio.sleep(0.02)
    assert "Slack" in bot.gateway.status().trouble or not bot.gateway.status().sockets
    await slack.faults.back()
    await slack.wait_connected(2)
    assert (await slack.person("alice").command("/backup now", "ops")).acked
    assert await bot.until_deeds(1) == ["now"]


async def test_a_start_while_slack_is_away(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    await slack.faults.away()
    async with edge(slack, database, queue) as bot:
        async with asyncio.timeout(10):
            while not bot.gateway.status().trouble:
                await asyncio.sleep(0.02)
        status = bot.gateway.status()
        assert not status.ready
        assert "Slack" in status.trouble
        await slack.faults.back()
        await slack.wait_connected(2)
        assert (await slack.person("alice").command("/backup now", "ops")).acked
        assert await bot.until_deeds(1) == ["now"]
        assert bot.gateway.status().ready


async def test_every_attempt_has_its_own_ticket(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    """Turned away instead of greeted, Opsbell does not try the same ticket again."""
    async with contextlib.AsyncExitStack() as others:
        for _ in range(10):
            await _occupy(slack, others)
        async with edge(slack, database, queue) as bot:
            async with asyncio.timeout(10):
                while "too_many_websockets" not in bot.gateway.status().trouble:
                    await asyncio.sleep(0.02)
            await others.aclose()
            async with asyncio.timeout(10):
                while bot.gateway.status().sockets < 2:
                    await asyncio.sleep(0.02)
            assert bot.gateway.status().trouble == ""


async def _occupy(slack: LocalSlack, others: contextlib.AsyncExitStack) -> None:
    """Takes one of the app's ten connections."""
    session = await others.enter_async_context(aiohttp.ClientSession())
    headers = {"Authorization": f"Bearer {slack.app_token}"}
    async with session.post(f"{slack.api_url}apps.connections.open", headers=headers) as answer:
        url = (await answer.json())["url"]
    connection = await others.enter_async_context(session.ws_connect(url))
    await connection.receive()


async def test_the_status_tells_when_slack_was_heard(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    async with edge(slack, database, queue, work=False) as bot:
        async with asyncio.timeout(10):
            while bot.gateway.status().sockets < 2:
                await asyncio.sleep(0.02)
        assert bot.gateway.status().last_payload is None
        before = time.monotonic()
        await slack.person("alice").command("/backup nwo", "ops")
        status = bot.gateway.status()
        assert status.last_payload is not None
        assert status.last_payload <= time.monotonic() - before
        assert (status.mode, status.sockets, status.trouble) == ("socket", 2, "")
