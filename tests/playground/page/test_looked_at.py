"""What is read and what is read out: only where someone looks, and each message once."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from bot.playground.page.opened import current_page
from bot.playground.page.read_marks import Read, Unread
from tests.playground.page.conftest import OpenTab
from tests.playground.page.pages import ALERTS, OPS, message, thread

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
ALICE = "U0ALICE001"
IN_THE_BACKGROUND = """
    window.isInFront = false;
    Object.defineProperty(document, "visibilityState", {
        get: () => window.isInFront ? "visible" : "hidden",
    });
"""
TO_THE_FRONT = """
    window.isInFront = true;
    document.dispatchEvent(new Event("visibilitychange"));
"""


def news(page: Page) -> Locator:
    """What those who only listen have been told."""
    return page.locator("[aria-live=polite].only-heard p")


async def test_messages_that_come_together_are_each_read_out(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    await client.chat_postMessage(channel=OPS, text="Before")
    page = await open_tab()
    for number in range(3):
        await client.chat_postMessage(channel=OPS, text=f"Disk at 9{number} %")
    await expect(news(page)).to_have_text([f"Opsbell: Disk at 9{number} %" for number in range(3)])
    for number in range(30):
        await slack.person("bob").say(f"Line {number}", "ops")
    await expect(news(page).last).to_have_text("Bob Brown: Line 29")
    await expect(news(page)).to_have_count(20)


async def test_only_what_is_new_and_in_sight_is_read_out(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    bob = slack.person("bob")
    old = await bob.say("Old words", "ops")
    page = await open_tab()
    await expect(message(page, "Old words")).to_be_visible()
    await bob.react(old, "eyes")
    await bob.unreact(slack.current(old), "eyes")
    await bob.say("Only in the thread", "ops", thread=old)
    slack.backend.timeline.edit(slack.current(old), text="Other words")
    gone = await bob.say("Gone at once", "ops")
    slack.backend.timeline.delete(gone)
    await client.chat_postMessage(channel=ALERTS, text="Elsewhere")
    await slack.person("alice").say("My own", "ops")
    await client.chat_postEphemeral(channel=OPS, user=ALICE, text="For Alice")
    await expect(news(page)).to_have_text(["Opsbell: For Alice"])
    await message(page, "Other words").get_by_role("button", name="1 reply").click()
    await expect(thread(page)).to_contain_text("Only in the thread")
    await bob.say("Now in sight", "ops", thread=slack.current(old))
    await expect(news(page)).to_have_text(["Opsbell: For Alice", "Bob Brown: Now in sight"])
    kept = await bob.say("Kept for a moment", "ops")
    await expect(news(page)).to_have_count(3)
    slack.backend.timeline.delete(kept)
    await expect(message(page, "Kept for a moment")).to_have_count(0)
    await expect(news(page)).to_have_count(3)


async def test_a_tab_opened_in_the_background_reads_nothing(
    slack: LocalSlack, open_tab: OpenTab
) -> None:
    page = await open_tab()
    await page.add_init_script(IN_THE_BACKGROUND)
    await page.reload()
    await slack.person("bob").say("Look at this", "ops")
    await expect(message(page, "Look at this")).to_be_visible()
    ops = slack.workspace.channels[OPS]
    assert current_page().reads.unread(ALICE, ops) == Unread(1)
    read = slack.backend.changes.wait_for(lambda each: each == Read(ALICE, OPS) or None, timeout=30)
    await asyncio.gather(read, page.evaluate(TO_THE_FRONT))
    assert current_page().reads.unread(ALICE, ops) == Unread()
