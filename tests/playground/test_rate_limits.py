"""How often methods may be called, on a clock that the test turns."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import Clock

OPS, ALERTS = "C0OPS00001", "C0ALERTS01"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(clock=clock) as server:
        yield server


async def retry_after(client: AsyncWebClient, method: str, **arguments: object) -> int:
    """The seconds this call is told to wait; 0 if it gets through to the method."""
    try:
        await client.api_call(method, params=arguments)
    except SlackApiError as error:
        return int(error.response.headers.get("Retry-After", 0))
    return 0


@pytest.mark.parametrize(
    ("method", "per_minute"),
    [
        ("usergroups.list", 20),
        ("conversations.create", 20),
        ("chat.update", 50),
        ("conversations.history", 50),
        ("views.update", 100),
        ("users.info", 100),
        ("auth.test", 600),
    ],
)
async def test_tiers(clock: Clock, client: AsyncWebClient, method: str, per_minute: int) -> None:
    for _ in range(per_minute):
        assert await retry_after(client, method) == 0
    assert await retry_after(client, method) == 60
    clock.advance(59.5)
    assert await retry_after(client, method) == 1
    clock.advance(0.5)
    assert await retry_after(client, method) == 0


async def test_the_wait_is_for_the_oldest_call_to_leave_the_minute(
    clock: Clock, client: AsyncWebClient
) -> None:
    for _ in range(20):
        assert await retry_after(client, "usergroups.list") == 0
        clock.advance(2)
    assert await retry_after(client, "usergroups.list") == 20
    clock.advance(20)
    assert await retry_after(client, "usergroups.list") == 0
    assert await retry_after(client, "usergroups.list") == 2


async def test_methods_have_limits_of_their_own(client: AsyncWebClient) -> None:
    for _ in range(20):
        await retry_after(client, "usergroups.list")
    assert await retry_after(client, "usergroups.list") > 0
    assert await retry_after(client, "users.info") == 0


async def test_a_channel_takes_a_burst_then_a_post_a_second(
    clock: Clock, client: AsyncWebClient, slack: LocalSlack
) -> None:
    async def post(channel: str = OPS) -> int:
        return await retry_after(client, "chat.postMessage", channel=channel, text="t")

    assert [await post() for _ in range(10)] == [0] * 10
    assert await post() == 1
    assert await post(ALERTS) == 0
    clock.advance(1)
    assert await post() == 0
    assert await post() == 1
    clock.advance(3600)
    assert [await post() for _ in range(11)] == [0] * 10 + [1]
    assert len(slack.messages("ops")) == 21


async def test_the_workspace_takes_300_posts_a_minute(clock: Clock, client: AsyncWebClient) -> None:
    channels = [OPS, ALERTS, "C0INCID001", "C0SUPPORT1", "U0ALICE001", "U0BOB00001"]
    sent = 0
    while sent < 300:
        for channel in channels:
            assert await retry_after(client, "chat.postMessage", channel=channel, text="t") == 0
            sent += 1
        clock.advance(1)
    assert await retry_after(client, "chat.postMessage", channel=OPS, text="t") == 10


async def test_the_limits_can_be_switched_off() -> None:
    async with LocalSlack(rate_limits=False) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        for _ in range(60):
            assert await retry_after(client, "chat.postMessage", channel=OPS, text="t") == 0
