"""response_url: five uses in thirty minutes, and what each may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import ActingPerson, LocalSlack, Message
from tests.playground.helpers import Clock, RawApp, ack, actions, button, frame, section

OPS, ALICE = "C0OPS00001", "U0ALICE001"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False, clock=clock) as server:
        yield server


@pytest.fixture
def alice(slack: LocalSlack) -> ActingPerson:
    return slack.person(ALICE)


class Urls:
    """Gets response_urls and posts to them."""

    def __init__(
        self,
        slack: LocalSlack,
        session: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
    ) -> None:
        self._slack, self.session, self._socket = slack, session, socket

    async def of_command(self, channel: str = "ops", answer: Any = None) -> str:
        """The response_url of a command that is acked with `answer`."""
        alice = self._slack.person(ALICE)
        task = asyncio.create_task(alice.command("/backup now", channel))
        await self._ack("slash_commands", answer)
        return (await task).response_url

    async def of_click(self, message: Message) -> str:
        """The response_url of a click on the message's button."""
        task = asyncio.create_task(self._slack.person(ALICE).click(message, "Go"))
        payload = await self._ack("interactive", None)
        await task
        return str(payload["response_url"])

    async def post(self, url: str, **body: Any) -> tuple[int, str]:
        async with self.session.post(url, json=body) as response:
            return response.status, await response.text()

    async def _ack(self, kind: str, answer: Any) -> Any:
        while True:
            envelope = await frame(self._socket)
            if envelope["type"] == kind:
                await ack(self._socket, envelope, answer)
                return envelope["payload"]
            await ack(self._socket, envelope)


@pytest.fixture
async def urls(slack: LocalSlack, session: aiohttp.ClientSession, raw: RawApp) -> Urls:
    return Urls(slack, session, await raw.connected())


async def test_five_uses(urls: Urls, alice: ActingPerson) -> None:
    url = await urls.of_command()
    for number in range(5):
        assert await urls.post(url, text=str(number)) == (200, "ok")
    status, body = await urls.post(url, text="6")
    assert status == 404
    assert '"used_url"' in body
    assert [message.text for message in alice.ephemerals("ops")] == ["0", "1", "2", "3", "4"]


async def test_thirty_minutes(urls: Urls, clock: Clock) -> None:
    url = await urls.of_command()
    clock.advance(30 * 60)
    assert (await urls.post(url, text="In time"))[0] == 200
    clock.advance(1)
    status, body = await urls.post(url, text="Late")
    assert status == 404
    assert '"Expired url"' in body


async def test_it_works_where_the_app_is_no_member(urls: Urls, slack: LocalSlack) -> None:
    url = await urls.of_command("general")
    assert (await urls.post(url, text="Hi", response_type="in_channel"))[0] == 200
    assert [message.text for message in slack.messages("general")] == ["Hi"]


async def test_ephemerals_are_edited_and_deleted_by_it(urls: Urls, alice: ActingPerson) -> None:
    url = await urls.of_command(answer={"text": "Working", "blocks": [section("Working")]})
    await urls.post(url, text="Done", replace_original=True)
    (message,) = alice.ephemerals("ops")
    assert (message.text, message.blocks, message.edited_count) == ("Done", [], 1)
    await urls.post(url, text="", delete_original=True)
    assert alice.ephemerals("ops") == []


async def test_a_clicked_message_is_replaced_or_deleted(
    urls: Urls, slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson
) -> None:
    blocks = [actions(button("Go", action_id="go"))]
    await client.chat_postMessage(channel=OPS, text="Old", blocks=blocks)
    (message,) = slack.messages("ops")
    url = await urls.of_click(message)
    await urls.post(url, text="Aside")
    assert [each.text for each in alice.ephemerals("ops")] == ["Aside"]
    await urls.post(url, text="New", replace_original=True)
    assert [each.text for each in slack.messages("ops")] == ["New"]
    await urls.post(url, text="", delete_original=True)
    assert slack.messages("ops") == []


async def test_an_answer_in_a_thread(urls: Urls, slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="Parent"))["ts"]
    url = await urls.of_command()
    await urls.post(url, text="Below", response_type="in_channel", thread_ts=ts)
    (parent,) = slack.messages("ops")
    assert [reply.text for reply in slack.replies(parent)] == ["Below"]


async def test_refusals_carry_no_detail_and_cost_no_use(urls: Urls) -> None:
    url = await urls.of_command()
    for _ in range(6):
        bad = await urls.post(url, text="t", blocks=[section("")])
        assert bad == (400, '{"ok": false, "error": "invalid_blocks"}')
    status, body = await urls.post(url, text="t", thread_ts="1.000001")
    assert (status, "thread_not_found" in body) == (400, True)
    async with urls.session.post(url, data="[]") as response:
        assert "invalid_payload" in await response.text()
    assert await urls.post(url, text="") == (400, '{"ok": false, "error": "no_text"}')
    assert (await urls.post(url, text="Good"))[0] == 200


async def test_an_ack_that_cannot_be_shown(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    task = asyncio.create_task(slack.person(ALICE).command("/backup now", "ops"))
    await ack(socket, await frame(socket), {"text": "t", "blocks": [section("")]})
    outcome = await task
    assert (outcome.acked, outcome.error, outcome.response) == (True, "invalid_blocks", None)
