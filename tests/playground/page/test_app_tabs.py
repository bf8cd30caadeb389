"""The app's own place: its Home, and direct messages with it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import RawApp, ack, frame, section
from tests.playground.page.conftest import OpenTab
from tests.playground.page.pages import composer, entry, message, send

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]


async def test_home_and_messages(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    page = await open_tab()
    direct = (await client.conversations_open(users="U0ALICE001"))["channel"]["id"]
    await client.chat_postMessage(channel=direct, text="Your turn on call begins at 09:00")
    await expect(entry(page, "Opsbell, app, 1 unread")).to_contain_text("1")
    await entry(page, "Opsbell").click()
    await expect(message(page, "Your turn on call begins")).to_be_visible()
    await send(composer(page, "Opsbell"), "Thanks")
    await expect(message(page, "Thanks")).to_be_visible()
    assert [each.text for each in slack.messages(slack.person("alice").dm)][-1] == "Thanks"
    tabs = page.get_by_role("group", name="App")
    await tabs.get_by_role("link", name="Home").click()
    await expect(tabs.get_by_role("link", name="Home")).to_have_attribute("aria-current", "page")
    home = page.get_by_role("region", name="Home")
    await expect(home).to_contain_text("Opsbell has published nothing here yet.")
    view = {"type": "home", "blocks": [section("*Today* nothing is open")]}
    await client.views_publish(user_id="U0ALICE001", view=view)
    await expect(home).to_contain_text("Today nothing is open")
    await expect(page).to_have_url(re.compile("channel=app-home$"))
    await page.reload()
    await expect(home).to_contain_text("Today nothing is open")
    await screenshot(page, "page-home")


async def test_the_app_hears_that_its_tabs_are_opened(slack: LocalSlack, open_tab: OpenTab) -> None:
    async with aiohttp.ClientSession() as session:
        app = RawApp(slack, session)
        socket = await app.connected()
        page = await open_tab("bob", "app-home")
        for tab in ("home", "messages"):
            envelope = await frame(socket)
            await ack(socket, envelope)
            event = envelope["payload"]["event"]
            assert (event["type"], event["tab"]) == ("app_home_opened", tab)
            assert event["user"] == "U0BOB00001"
            if tab == "home":
                await page.get_by_role("link", name="Messages").click()
        await expect(composer(page, "Opsbell")).to_be_visible()
        await app.close()
