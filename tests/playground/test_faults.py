"""Faults on demand: each does the harm it says, as often as it says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from socket import create_server
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import RawApp, ack, error_of, frame

OPS, ALICE = "C0OPS00001", "U0ALICE001"


@pytest.fixture
def client(slack: LocalSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Slack's own client without its retry on connection errors."""
    return AsyncWebClient(
        token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
    )


async def test_rate_limited(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.rate_limit("chat.postMessage", times=2, retry_after=7)
    await client.auth_test()
    for _ in range(2):
        with pytest.raises(SlackApiError) as raised:
            await client.chat_postMessage(channel=OPS, text="t")
        assert raised.value.response.status_code == 429
        assert raised.value.response.headers["Retry-After"] == "7"
        assert raised.value.response.data == {"ok": False, "error": "ratelimited"}
    await client.chat_postMessage(channel=OPS, text="t")
    assert len(slack.messages("ops")) == 1


async def test_server_errors(slack: LocalSlack, session: aiohttp.ClientSession) -> None:
    slack.faults.server_error(times=1, status=502)
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    for status in (502, 200):
        async with session.post(f"{slack.api_url}auth.test", headers=headers) as response:
            assert response.status == status


async def test_error_codes_and_forgotten_groups(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.error("users.info", "internal_error")
    assert await error_of(client.users_info(user=ALICE)) == "internal_error"
    await client.users_info(user=ALICE)
    slack.faults.forget_user_groups()
    for _ in range(3):
        assert await error_of(client.usergroups_list()) == "fatal_error"
    slack.faults.clear()
    await client.usergroups_list()


async def leave_once_struck(slack: LocalSlack, call: Coroutine[Any, Any, object]) -> None:
    """Make a call, and wait for its answer no longer than until the only fault has struck it."""
    calling = asyncio.create_task(call)
    async with asyncio.timeout(30):
        while slack.faults._faults:
            await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling


async def test_slow_work_lands_even_if_nobody_waits(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.faults.slow("chat.postMessage", seconds=0.3)
    started = time.monotonic()
    await leave_once_struck(slack, client.chat_postMessage(channel=OPS, text="Late"))
    await slack.wait_for_message("ops", "Late")
    assert time.monotonic() - started >= 0.3


async def test_silence_does_nothing_and_never_answers(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.faults.silent("chat.postMessage")
    await leave_once_struck(slack, client.chat_postMessage(channel=OPS, text="t"))
    assert slack.messages("ops") == []
    (call,) = slack.calls_to("chat.postMessage")
    assert call.status == 0


async def test_a_lost_answer_has_done_its_work(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.lose_answer("chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=OPS, text="Once")
    assert [message.text for message in slack.messages("ops")] == ["Once"]


async def test_the_sdk_alone_posts_twice_when_an_answer_is_lost(
    slack: LocalSlack, session: aiohttp.ClientSession
) -> None:
    slack.faults.lose_answer("chat.postMessage")
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session)
    await client.chat_postMessage(channel=OPS, text="Once?")
    assert len(slack.messages("ops")) == 2


async def test_away_and_back(slack: LocalSlack, client: AsyncWebClient, raw: RawApp) -> None:
    socket = await raw.connected()
    await client.auth_test()
    api_url = slack.api_url
    await slack.faults.away()
    assert (await socket.receive(timeout=5)).type in (
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    )
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.auth_test()
    await slack.faults.back()
    assert slack.api_url == api_url
    await client.auth_test()
    await raw.connected()


async def test_nobody_else_gets_the_port_while_it_is_away(
    slack: LocalSlack, client: AsyncWebClient, raw: RawApp
) -> None:
    await raw.connected()
    await client.auth_test()
    port = int(slack.api_url.split(":")[2].partition("/")[0])
    await slack.go_away()
    assert slack.is_away
    with pytest.raises(OSError, match="in use"):
        create_server(("127.0.0.1", port)).close()
    await slack.go_away()
    await slack.come_back()
    await slack.come_back()
    await client.auth_test()


async def test_dropped_sockets(slack: LocalSlack, raw: RawApp, client: AsyncWebClient) -> None:
    sockets = [await raw.connected(), await raw.connected()]
    await slack.faults.drop_sockets()
    for socket in sockets:
        ended = await socket.receive(timeout=5)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    await client.auth_test()


async def test_deaf_sockets_answer_pings_and_nothing_else(
    session: aiohttp.ClientSession,
) -> None:
    async with LocalSlack(ack_timeout=0.5, rate_limits=False) as slack:
        raw = RawApp(slack, session)
        deaf = await raw.connected()
        slack.faults.deaf_sockets()
        outcome = await slack.person(ALICE).command("/backup now", "ops")
        assert outcome.error == "operation_timeout"
        await deaf.ping(b"p")
        assert (await deaf.receive(timeout=5)).type == aiohttp.WSMsgType.PONG
        with pytest.raises(TimeoutError):
            await slack.wait_connected(timeout=0.05)
        hearing = await raw.connected()
        typing = asyncio.create_task(slack.person(ALICE).command("/backup now", "ops"))
        await ack(hearing, await frame(hearing))
        assert (await typing).acked
        await raw.close()


async def test_duplicates(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    slack.faults.duplicate(times=2)
    typing = asyncio.create_task(slack.person(ALICE).command("/backup now", "ops"))
    twice = [await frame(socket), await frame(socket)]
    for envelope in twice:
        await ack(socket, envelope)
    assert (await typing).acked
    assert twice[0]["payload"] == twice[1]["payload"]
    await slack.person(ALICE).say("Hello", "ops")
    events = [await frame(socket), await frame(socket)]
    assert len({event["payload"]["event_id"] for event in events}) == 1


async def test_late_payloads(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(ack_timeout=0.2) as slack:
        raw = RawApp(slack, session)
        socket = await raw.connected()
        slack.faults.late(1.0)
        started = time.monotonic()
        outcome = await slack.person(ALICE).command("/backup now", "ops")
        assert outcome.error == "operation_timeout"
        envelope = await frame(socket)
        assert time.monotonic() - started >= 1.0
        assert envelope["payload"]["command"] == "/backup"
        await raw.close()


async def test_response_urls_and_uploads_suffer_too(
    slack: LocalSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    slack.faults.server_error("upload")
    slack.faults.lose_answer("response_url")
    place = await client.files_getUploadURLExternal(filename="a.txt", length=1)
    for status in (503, 200):
        async with session.post(place["upload_url"], data=b"a") as response:
            assert response.status == status
    url = slack.backend.base_url + slack.backend.response_urls.new(OPS, ALICE)
    with pytest.raises(aiohttp.ClientError):
        await session.post(url, json={"text": "Done"})
    assert [message.text for message in slack.person(ALICE).ephemerals()] == ["Done"]
