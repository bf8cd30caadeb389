"""At the width of a phone: everything is reached by thumb and nothing is wider than the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import actions, button, section
from tests.playground.page.conftest import PHONE, OpenTab
from tests.playground.page.pages import OPS, composer, entry, message, overflow, reply_box, thread

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]
LONG = "https://example.com/" + "a-very-long-path-without-any-break/" * 6


async def test_channels_messages_and_a_thread_by_thumb(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    blocks = [section(f"*Deploy* {LONG}"), section("```" + "x" * 200 + "```")]
    blocks.append(actions(*[button(f"Choice {n}", action_id=f"a{n}") for n in range(5)]))
    await client.chat_postMessage(channel=OPS, text="Deploy", blocks=blocks)
    await slack.person("bob").say(LONG, "ops")
    page = await open_tab(**PHONE)
    await expect(message(page, "Choice 4")).to_be_visible()
    assert await overflow(page) == 0
    await expect(composer(page)).not_to_be_focused()
    await screenshot(page, "page-phone")
    row = message(page, "Deploy")
    # Buttons go on in the next line, and each is there as a whole.
    edges = await row.get_by_role("button", name="Choice").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).map(box => [box.top, box.right])"
    )
    assert len(edges) == 5
    assert len({top for top, _ in edges}) > 1
    assert max(right for _, right in edges) <= 390
    width = await row.locator(".message-body").evaluate("body => body.clientWidth")
    assert width > 390 - 36 - 40  # the window without the author's picture and the margins
    await row.locator(".byline").tap()
    await row.get_by_role("button", name="React with eyes").tap()
    await expect(row.get_by_role("button", name="eyes, Alice Adams")).to_be_visible()
    # The tap that shows the tools presses none of them.
    assert slack.messages("ops")[0].reactions == {"eyes": ("U0ALICE001",)}
    await screenshot(page, "page-phone-tools")
    await row.get_by_role("button", name="Reply in thread").tap()
    await expect(reply_box(page)).to_be_visible()
    assert await overflow(page) == 0
    box = await thread(page).bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    await page.get_by_role("button", name="Close thread").tap()
    await expect(thread(page)).not_to_be_visible()
    await expect(entry(page, "alerts")).not_to_be_visible()
    await page.get_by_role("button", name="Show channels").tap()
    await expect(entry(page, "alerts")).to_be_visible()
    await screenshot(page, "page-phone-channels")
    assert await overflow(page) == 0
    await entry(page, "alerts").tap()
    await expect(composer(page, "#alerts")).to_be_visible()
    await expect(entry(page, "alerts")).not_to_be_visible()
    # So do they where the one that is open is chosen once more.
    await page.get_by_role("button", name="Show channels").tap()
    await entry(page, "alerts").tap()
    await expect(entry(page, "alerts")).not_to_be_visible()


async def test_what_is_tapped_is_large_enough(client: AsyncWebClient, open_tab: OpenTab) -> None:
    await client.chat_postMessage(channel=OPS, text="Hello")
    page = await open_tab(**PHONE)
    await page.get_by_role("button", name="Show channels").tap()
    await expect(entry(page, "alerts")).to_be_visible()
    small = await page.evaluate(
        """() => [...document.querySelectorAll(".shell button, .shell nav a")]
            .map(each => [each.getAttribute("aria-label") || each.innerText,
                          each.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && (box.height < 32 || box.width < 32))
            .map(([name]) => name)"""
    )
    assert small == []


async def test_a_long_topic_is_shown_whole_by_a_tap(
    client: AsyncWebClient, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    page = await open_tab(**PHONE)
    topic = "⏸ Maintenance of grandvps since 14:05, for the upgrade of the database to 1.5 · " * 3
    await client.conversations_setTopic(channel=OPS, topic=topic.rstrip(" ·"))
    shown = page.get_by_role("button", name="Maintenance of grandvps")
    await expect(shown).to_have_attribute("aria-expanded", "false")
    hidden = "button => button.firstElementChild.scrollHeight - button.clientHeight"
    assert await shown.evaluate(hidden) > 0
    await screenshot(page, "page-phone-topic")
    await shown.tap()
    await expect(shown).to_have_attribute("aria-expanded", "true")
    assert await shown.evaluate(hidden) <= 0
    assert await overflow(page) == 0
    await screenshot(page, "page-phone-topic-whole")
    await shown.tap()
    await expect(shown).to_have_attribute("aria-expanded", "false")
