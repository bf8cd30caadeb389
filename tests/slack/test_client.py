"""Calls to Slack: every way in which one can fail has its meaning."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from bot.slack.client import (
    NeverSent,
    RateLimited,
    SlackAway,
    SlackRefused,
    impatient,
    open_session,
    proxy_for,
    slack_errors,
    web_client,
)
from tests.parts.tcp_proxy import TcpProxy


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as opened:
        yield opened


@pytest.fixture
async def client(slack: LocalSlack) -> AsyncIterator[AsyncWebClient]:
    async with open_session() as session:
        yield impatient(web_client(session, slack.bot_token, slack.api_url))


async def post(client: AsyncWebClient) -> None:
    with slack_errors("chat.postMessage"):
        await client.chat_postMessage(channel="C0OPS00001", text="a")


async def test_a_rate_limit_says_for_how_long(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.rate_limit("chat.postMessage", retry_after=7)
    with pytest.raises(RateLimited) as caught:
        await post(client)
    assert caught.value.retry_after == 7
    assert caught.value.retryable


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_5xx_says_nothing_of_the_call(
    slack: LocalSlack, client: AsyncWebClient, status: int
) -> None:
    slack.faults.server_error("chat.postMessage", status=status)
    with pytest.raises(SlackAway, match=str(status)) as caught:
        await post(client)
    assert not isinstance(caught.value, NeverSent)


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "request_timeout"])
async def test_slacks_own_failures_say_nothing_of_the_call(
    slack: LocalSlack, client: AsyncWebClient, code: str
) -> None:
    slack.faults.error("chat.postMessage", code)
    with pytest.raises(SlackAway, match=code):
        await post(client)


async def test_a_refusal_has_its_code_and_its_reasons(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    too_many = [{"type": "divider"}] * 51
    with (
        pytest.raises(SlackRefused, match="no more than 50 items") as caught,
        slack_errors("chat.postMessage"),
    ):
        await client.chat_postMessage(channel="C0OPS00001", text="a", blocks=too_many)
    assert caught.value.code == "invalid_blocks"


async def test_a_missing_scope_is_named(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.workspace.app.scopes.discard("chat:write")
    with pytest.raises(SlackRefused, match=r"missing_scope \(chat:write\)"):
        await post(client)


async def test_a_lost_answer_is_not_called_unsent(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.faults.lose_answer("chat.postMessage")
    with pytest.raises(SlackAway) as caught:
        await post(client)
    assert not isinstance(caught.value, NeverSent)
    # The SDK's own habit would have repeated it.
    assert len(slack.messages("ops")) == 1


async def test_slack_away_means_never_sent(slack: LocalSlack, client: AsyncWebClient) -> None:
    await slack.faults.away()
    with pytest.raises(NeverSent):
        await post(client)


async def test_a_connection_that_hangs_is_given_up(slack: LocalSlack) -> None:
    port = int(slack.api_url.split(":")[2].split("/")[0])
    async with TcpProxy("127.0.0.1", port) as proxy:
        quick = aiohttp.ClientTimeout(total=0.2)
        async with aiohttp.ClientSession(timeout=quick) as session:
            url = f"http://127.0.0.1:{proxy.port}/api/"
            proxy.hold()
            with pytest.raises(SlackAway, match="in time"):
                await post(impatient(web_client(session, slack.bot_token, url)))


async def test_a_patient_client_waits_and_tries_again(slack: LocalSlack) -> None:
    slack.faults.rate_limit("chat.postMessage", retry_after=1)
    slack.faults.server_error("chat.postMessage")
    async with open_session() as session:
        await post(web_client(session, slack.bot_token, slack.api_url))
    assert [call.status for call in slack.calls] == [429, 503, 200]


def test_a_defect_keeps_its_name() -> None:
    with pytest.raises(KeyError), slack_errors("anything"):
        raise KeyError("a defect")


def test_the_proxy_of_the_environment_has_its_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_for("https://slack.com/api/") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert proxy_for("https://slack.com/api/") == "http://proxy.example:3128"
    assert proxy_for("https://127.0.0.1:8181/api/") is None
    assert proxy_for("https://localhost/api/") is None
    monkeypatch.setenv("NO_PROXY", "slack.example,slack.com")
    assert proxy_for("https://slack.com/api/") is None
    assert proxy_for("https://files.slack.com/upload") is None


async def test_a_client_goes_through_the_proxy_it_is_given_only(
    monkeypatch: pytest.MonkeyPatch, slack: LocalSlack
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with open_session() as session:
        await post(web_client(session, slack.bot_token, slack.api_url))
    assert len(slack.messages("ops")) == 1
