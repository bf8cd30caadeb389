"""Commands from Slack to their effect and back, over Socket Mode."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.playground import LocalSlack
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import Edge, edge


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False) as server:
        yield server


@pytest.fixture
async def bot(slack: LocalSlack, database: Database, queue: Queue) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue) as running:
        await slack.wait_connected(2)
        yield running


async def test_a_change_is_done_once_and_answered_privately(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    outcome = await alice.command("/backup now", "ops")
    assert outcome.acked
    assert outcome.response is None
    answer = await alice.wait_for_ephemeral("ops", "Done: now.")
    assert answer.ephemeral_for == alice.id
    assert await bot.deeds() == ["now"]


async def test_a_query_is_answered(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    assert (await alice.command("/backup list", "ops")).acked
    await alice.wait_for_ephemeral("ops", "Seen: list.")
