"""Waiting for messages: what is there already, what comes, and what never does."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack, Message
from tests.playground.helpers import section

OPS = "C0OPS00001"


async def test_the_newest_that_fits(slack: LocalSlack, client: AsyncWebClient) -> None:
    for text in ("Backup one", "Backup two", "Other"):
        await client.chat_postMessage(channel=OPS, text=text)
    assert (await slack.wait_for_message("ops", "Backup")).text == "Backup two"
    assert (await slack.wait_for_message(OPS, where=lambda m: "one" in m.text)).text == "Backup one"


async def test_an_update_can_be_waited_for(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="Running"))["ts"]
    waiting = asyncio.create_task(slack.wait_for_message("ops", "Step 2 of 9"))
    await client.chat_update(channel=OPS, ts=ts, text="Running", blocks=[section("Step 2 of 9")])
    message = await waiting
    assert (message.ts, message.edited_count) == (ts, 1)
    assert slack.current(message.history[0]) is message


async def test_a_reply_can_be_told_from_its_parent(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    parent = await slack.person("alice").say("Same words", "ops")
    waiting = asyncio.create_task(slack.wait_for_message("ops", "Same words", thread=parent))
    await client.chat_postMessage(channel="C0ALERTS01", text="Same words")
    reply = await client.chat_postMessage(channel=OPS, text="Same words", thread_ts=parent.ts)
    assert (await waiting).ts == reply["ts"]


async def test_waiting_ends(slack: LocalSlack) -> None:
    with pytest.raises(TimeoutError):
        await slack.wait_for_message("ops", "Never", timeout=0.02)


async def test_a_predicate_that_fails_fails_its_own_wait(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    def broken(_message: Message) -> bool:
        raise IndexError("broken")

    waiting = asyncio.create_task(slack.wait_for_message("ops", where=broken))
    await asyncio.sleep(0)
    await client.chat_postMessage(channel=OPS, text="One")
    with pytest.raises(IndexError):
        await waiting
