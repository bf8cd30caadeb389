"""Threads: opened beside the channel, written into, mentions in and commands refused."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import RawApp, frame
from tests.playground.page.conftest import OpenTab
from tests.playground.page.pages import OPS, composer, message, reply_box, send, thread

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]


async def test_a_thread_between_two_people(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    alice, bob = await open_tab("alice"), await open_tab("bob")
    parent = await client.chat_postMessage(channel=OPS, text="Deploy of grandvps")
    row = message(alice, "Deploy of grandvps")
    await row.hover()
    await row.get_by_role("button", name="Reply in thread").click()
    await expect(reply_box(alice)).to_be_focused()
    await send(reply_box(alice), "Who started it?")
    await message(bob, "Deploy of grandvps").get_by_role("button", name="1 reply").click()
    await expect(thread(bob).get_by_role("article")).to_have_count(2)
    await send(reply_box(bob), "I did")
    await expect(thread(alice)).to_contain_text("I did")
    await expect(row.get_by_role("button", name="2 replies")).to_be_visible()
    await expect(message(alice, "I did")).to_have_count(0)
    replies = slack.replies(slack.messages("ops")[0])
    assert [(each.text, each.thread_ts) for each in replies] == [
        ("Who started it?", parent["ts"]),
        ("I did", parent["ts"]),
    ]
    await screenshot(alice, "page-thread")


async def test_a_link_opens_a_thread_and_escape_closes_it(
    slack: LocalSlack, open_tab: OpenTab
) -> None:
    said = await slack.person("bob").say("Look at this", "ops")
    page = await open_tab("alice", f"ops&thread={said.ts}")
    await expect(thread(page).get_by_role("article")).to_have_count(1)
    await reply_box(page).press("Escape")
    await expect(thread(page)).not_to_be_visible()
    await expect(page).not_to_have_url(re.compile("thread"))
    await page.go_back()
    await expect(thread(page)).to_be_visible()
    slack.backend.timeline.delete(said)
    await expect(thread(page)).not_to_be_visible()


async def test_of_a_long_thread_the_newest_replies_stand_and_earlier_ones_on_demand(
    slack: LocalSlack, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    said = await slack.person("bob").say("A long incident", "ops")
    for number in range(150):
        await slack.person("bob").say(f"Reply {number:03}", "ops", thread=said)
    page = await open_tab("alice", f"ops&thread={said.ts}")
    replies = thread(page).get_by_role("article")
    await expect(replies.filter(has_text="Reply 149")).to_be_in_viewport()
    await expect(replies).to_have_count(61)
    await expect(replies.first).to_contain_text("A long incident")
    await thread(page).get_by_role("button", name="Show earlier replies").click()
    await expect(replies).to_have_count(121)
    await screenshot(page, "page-long-thread")
    # Back at the end, what was asked for is put away again.
    await thread(page).get_by_role("button", name="To the newest").click()
    await expect(replies).to_have_count(61)
    await expect(replies.last).to_be_in_viewport()


async def test_in_threads_commands_are_refused_and_mentions_work(
    slack: LocalSlack, open_tab: OpenTab
) -> None:
    said = await slack.person("bob").say("Look at this", "ops")
    page = await open_tab("alice", f"ops&thread={said.ts}")
    async with aiohttp.ClientSession() as session:
        app = RawApp(slack, session)
        socket = await app.connected()
        await send(reply_box(page), "/backup now")
        await expect(thread(page)).to_contain_text("/backup is not supported in threads. Sorry!")
        await send(reply_box(page), "@opsbell backup now")
        await expect(thread(page)).to_contain_text("@opsbell backup now")
        mention = await frame(socket)
        while mention["payload"]["event"]["type"] != "app_mention":
            mention = await frame(socket)
        assert mention["payload"]["event"]["thread_ts"] == said.ts
        await app.close()


async def test_an_ephemeral_reply_stays_in_its_thread(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    said = await slack.person("bob").say("Look at this", "ops")
    page = await open_tab("alice", f"ops&thread={said.ts}")
    await client.chat_postEphemeral(channel=OPS, user="U0ALICE001", text="Psst", thread_ts=said.ts)
    await expect(thread(page)).to_contain_text("Only visible to you")
    await expect(message(page, "Psst")).to_have_count(0)
    await expect(composer(page)).to_be_visible()
