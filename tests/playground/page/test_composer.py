"""Writing: completion, several lines, drafts, and what Slack says of commands that fail."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from playwright.async_api import Page, expect

from bot.playground import LocalSlack
from tests.playground.helpers import RawApp, ack, frame
from tests.playground.page.conftest import OpenTab
from tests.playground.page.pages import composer, entry, message, send

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]


async def test_commands_are_completed_with_their_hints(
    open_tab: OpenTab, screenshot: Screenshot
) -> None:
    page = await open_tab()
    box = composer(page)
    await box.press_sequentially("/")
    options = page.get_by_role("option")
    await expect(options).to_have_count(3)
    await expect(options.first).to_contain_text("/backup")
    await expect(options.first).to_contain_text("Take backups and look at them")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await screenshot(page, "page-completion")
    await box.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await box.press("ArrowUp")
    await box.press("ArrowUp")
    await expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    await box.press("Tab")
    await expect(box).to_have_value("/opsbell ")
    await expect(options).to_have_count(0)
    await expect(page.get_by_text("help [COMMAND] | status")).to_be_visible()
    await box.fill("")
    await box.press_sequentially("/ch")
    await box.press("Escape")
    await expect(options).to_have_count(0)
    await expect(box).to_have_value("/ch")
    await box.press_sequentially("e")
    await box.press("Enter")
    await expect(box).to_have_value("/checklist ")


async def test_names_and_channels_are_completed_within_a_sentence(open_tab: OpenTab) -> None:
    page = await open_tab()
    box = composer(page)
    await box.press_sequentially("Thanks @bro")
    await expect(page.get_by_role("option")).to_have_text([re.compile("@bob.*Bob Brown")])
    await box.press("Enter")
    await box.press_sequentially("and @adm")
    await box.press("Tab")
    await box.press_sequentially("see #al")
    await page.get_by_role("option", name="#alerts").click()
    await expect(box).to_have_value("Thanks @bob and @admins see #alerts ")
    await box.press_sequentially("or write to me@exam")
    await expect(page.get_by_role("option")).to_have_count(0)
    await box.press("Enter")
    await expect(message(page, "Thanks @bob and @admins see #alerts")).to_be_visible()


async def test_shift_and_enter_begins_a_line(slack: LocalSlack, open_tab: OpenTab) -> None:
    page = await open_tab()
    box = composer(page)
    height = await box.evaluate("box => box.offsetHeight")
    await box.press_sequentially("one")
    await box.press("Shift+Enter")
    await box.press_sequentially("two")
    assert await box.evaluate("box => box.offsetHeight") > height
    await box.press("Enter")
    await expect(message(page, "one")).to_contain_text("two")
    assert slack.messages("ops")[0].text == "one\ntwo"
    await box.press("Enter")
    assert len(slack.messages("ops")) == 1


async def test_a_draft_waits_in_its_channel(open_tab: OpenTab) -> None:
    page = await open_tab()
    await composer(page).press_sequentially("half a thought")
    await entry(page, "alerts").click()
    await expect(composer(page, "#alerts")).to_have_value("")
    await expect(composer(page, "#alerts")).to_be_focused()
    await entry(page, "ops").click()
    await expect(composer(page)).to_have_value("half a thought")


async def test_a_command_reaches_the_app_and_its_answer_the_person(
    slack: LocalSlack, open_tab: OpenTab
) -> None:
    page = await open_tab()
    async with aiohttp.ClientSession() as session:
        app = RawApp(slack, session)
        socket = await app.connected()
        await send(composer(page), "/backup now database")
        envelope = await frame(socket)
        assert envelope["type"] == "slash_commands"
        sent = envelope["payload"]
        assert (sent["command"], sent["text"]) == ("/backup", "now database")
        assert (sent["user_id"], sent["channel_name"]) == ("U0ALICE001", "ops")
        await ack(socket, envelope, {"text": "Backup 20261122T020000Z begins."})
        await expect(message(page, "Backup 20261122T020000Z")).to_contain_text("Only visible")
        await app.close()


async def test_slack_says_why_a_command_came_to_nothing(
    slack: LocalSlack, open_tab: OpenTab
) -> None:
    page, bob = await open_tab("alice"), await open_tab("bob")
    await send(composer(page), "/backup now")
    refused = message(page, "/backup failed because the app did not respond")
    await expect(refused).to_contain_text("Only visible to you")
    await send(composer(page), "/backpu now")
    await expect(message(page, "/backpu is not a command in this workspace")).to_be_visible()
    await expect(bob.get_by_role("article")).to_have_count(0)
    assert slack.messages("ops") == []


async def test_while_slack_is_away_people_are_told(
    slack: LocalSlack, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    page = await open_tab()
    await slack.go_away()
    banner = page.get_by_text("Slack is away. Opsbell hears nothing until it is back.")
    await expect(banner).to_be_visible()
    await send(composer(page), "/backup now")
    await expect(message(page, "/backup failed because the app did not")).to_be_visible()
    await screenshot(page, "page-away")
    await slack.come_back()
    await expect(banner).not_to_be_visible()
