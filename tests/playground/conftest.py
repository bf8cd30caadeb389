"""A local Slack per test, and clients to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import RawApp


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    """A local Slack without rate limits, whose event retries follow one another quickly."""
    async with LocalSlack(rate_limits=False, retry_delays=(0.0, 0.02, 0.02)) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(slack: LocalSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Slack's own client with the bot's token."""
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session)


@pytest.fixture
async def raw(slack: LocalSlack, session: aiohttp.ClientSession) -> AsyncIterator[RawApp]:
    """An app of bare frames: it sees every envelope and decides about every ack."""
    app = RawApp(slack, session)
    yield app
    await app.close()
