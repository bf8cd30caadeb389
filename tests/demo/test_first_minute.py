"""A newcomer's first minute, in the browser: the demo as `make demo` starts it.

Its pictures are the README's: `make pictures` takes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.demo.conftest import NOON, START
from tests.parts.process import opsbell
from tests.playground.page.pages import composer, entry, message, send

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]

SECONDS = 1000  # of the browser's milliseconds


Keep = Callable[[Page, str], Awaitable[None]]


async def keep_checklist(page: Page, screenshot: Keep, name: str) -> None:
    """A picture that begins with the checklist's heading."""
    checklist = message(page, "Daily maintenance")
    await checklist.evaluate("each => each.scrollIntoView({block: 'start'})")
    await screenshot(page, name)


async def tick(page: Page, item: str) -> None:
    await message(page, "Daily maintenance").get_by_role("checkbox", name=item).check()


async def test_a_newcomer_ticks_backs_up_breaks_and_watches(
    short_path: Path, browser: Browser, screenshot: Keep
) -> None:
    start = ("demo", "--directory", "demo", "--port", "0")
    async with opsbell(*start, cwd=short_path, env={"TZ": NOON}) as process:
        link = await process.wait_for_line(r"http://127.0.0.1:\d+/", timeout=START)
        page = await browser.new_page(
            viewport={"width": 1200, "height": 900}, timezone_id=NOON, locale="en-GB"
        )
        page.set_default_timeout(30 * SECONDS)
        await page.goto(f"{link[0]}?as=alice")
        await entry(page, "ops").click()
        checklist = message(page, "Daily maintenance")
        await expect(checklist).to_contain_text("evidence of", timeout=30 * SECONDS)

        await tick(page, "Monitor application logs for errors")
        await tick(page, "Check system resource usage")
        await expect(checklist).to_contain_text("2 of 6")

        await send(composer(page), "/backup now")
        done = message(page, "Backup of grandvps · done")
        await expect(done).to_contain_text("Database", timeout=60 * SECONDS)
        await checklist.get_by_role("button", name="Check again").click()
        await expect(checklist).to_contain_text("last good backup", timeout=30 * SECONDS)
        await expect(checklist).not_to_contain_text("after its time")
        await keep_checklist(page, screenshot, "first-minute")

        await page.get_by_role("button", name="Break things").click()
        panel = page.get_by_role("complementary", name="Break things")
        lever = panel.get_by_role("listitem").filter(has_text="Fail payments")
        await lever.get_by_role("button", name="Break").click()
        await expect(lever).to_contain_text("Broken")
        await checklist.get_by_role("button", name="Check again").click()
        await expect(checklist).to_contain_text(
            re.compile(r"critical: \d+ failed payments"), timeout=30 * SECONDS
        )
        await keep_checklist(page, screenshot, "broken-on-purpose")

        phone = await browser.new_page(
            viewport={"width": 390, "height": 844},
            has_touch=True,
            timezone_id=NOON,
            locale="en-GB",
        )
        await phone.goto(f"{link[0]}?as=bob&channel=ops")
        await expect(message(phone, "Daily maintenance")).to_contain_text("2 of 6")
        await keep_checklist(phone, screenshot, "on-the-phone")
        await phone.close()
        await page.close()
        assert await process.terminate(timeout=30) == 0
