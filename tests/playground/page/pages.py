"""How tests find things on the page: as people do, by what they are called."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Locator, Page

OPS, ALERTS = "C0OPS00001", "C0ALERTS01"


def composer(page: Page, place: str = "#ops") -> Locator:
    """Where one writes into a channel."""
    return page.get_by_role("textbox", name=f"Message {place}", exact=True)


def reply_box(page: Page) -> Locator:
    """Where one writes into the thread that is open."""
    return page.get_by_role("textbox", name="Reply in thread")


def message(page: Page, text: str) -> Locator:
    """The message in the channel that contains this text."""
    return page.get_by_role("main").get_by_role("article").filter(has_text=text)


def thread(page: Page) -> Locator:
    """The side panel with a thread."""
    return page.get_by_role("complementary", name="Thread")


def entry(page: Page, name: str) -> Locator:
    """A channel in the sidebar."""
    named = re.compile(rf"^{re.escape(name)}(,|$)")
    return page.get_by_role("navigation").get_by_role("link", name=named)


async def send(box: Locator, text: str) -> None:
    """Write and press Enter."""
    await box.fill(text)
    await box.press("Enter")


async def overflow(page: Page) -> Any:
    """How many pixels the page is wider than its window."""
    return await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
