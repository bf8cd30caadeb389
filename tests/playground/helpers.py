"""What several of these tests need: a clock to turn, a bare app, blocks and refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.playground import LocalSlack

JSON = dict[str, Any]


class Clock:
    """Epoch seconds that pass only when told to."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class RawApp:
    """An app that speaks Socket Mode frame by frame over any number of connections."""

    def __init__(self, slack: LocalSlack, session: aiohttp.ClientSession) -> None:
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []
        self._slack = slack
        self._session = session

    async def ticket(self) -> str:
        """A URL for one connection."""
        headers = {"Authorization": f"Bearer {self._slack.app_token}"}
        url = f"{self._slack.api_url}apps.connections.open"
        async with self._session.post(url, headers=headers) as response:
            return str((await response.json())["url"])

    async def connect(self, url: str | None = None) -> aiohttp.ClientWebSocketResponse:
        """One more connection, its greeting not yet read."""
        socket = await self._session.ws_connect(url or await self.ticket(), autoping=False)
        self.sockets.append(socket)
        return socket

    async def connected(self) -> aiohttp.ClientWebSocketResponse:
        """One more connection that has been greeted."""
        socket = await self.connect()
        assert (await frame(socket))["type"] == "hello"
        return socket

    async def close(self) -> None:
        for socket in self.sockets:
            await socket.close()


async def frame(socket: aiohttp.ClientWebSocketResponse, timeout: float = 30) -> JSON:
    """The next JSON frame. Raises TimeoutError."""
    async with asyncio.timeout(timeout):
        received: JSON = json.loads(await socket.receive_str())
        return received


async def ack(socket: aiohttp.ClientWebSocketResponse, envelope: JSON, payload: Any = None) -> None:
    """Acknowledge an envelope over this connection."""
    answer: JSON = {"envelope_id": envelope["envelope_id"]}
    if payload is not None:
        answer["payload"] = payload
    await socket.send_str(json.dumps(answer))


async def refusal(call: Awaitable[Any]) -> JSON:
    """The body with which Slack refused a call; fails if it did not."""
    try:
        answer = await call
    except SlackApiError as error:
        body = error.response.data
        assert isinstance(body, dict)
        return body
    raise AssertionError(f"not refused: {answer}")


async def error_of(call: Awaitable[Any]) -> str:
    """The error code with which Slack refused a call."""
    return str((await refusal(call))["error"])


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> JSON:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "Hello", **more: Any) -> JSON:
    return {"type": "section", "text": mrkdwn(text), **more}


def option(text: str = "One", value: str = "1", **more: Any) -> JSON:
    return {"text": plain(text), "value": value, **more}


def button(text: str = "Go", **more: Any) -> JSON:
    return {"type": "button", "text": plain(text), **more}


def actions(*elements: JSON, **more: Any) -> JSON:
    return {"type": "actions", "elements": list(elements), **more}


def text_input(block_id: str, label: str = "Why", **more: Any) -> JSON:
    element = {"type": "plain_text_input", "action_id": "text"}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element} | more


def modal(*blocks: JSON, **more: Any) -> JSON:
    view = {"type": "modal", "callback_id": "form", "title": plain("Form")}
    return {**view, "submit": plain("Send"), "blocks": list(blocks), **more}


def rich_text(text: str = "Rich") -> JSON:
    line = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [line]}
