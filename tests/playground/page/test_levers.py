"""The drawer in which things are broken on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from bot.playground import LocalSlack
from bot.playground.page import Lever, open_page
from tests.playground.page.conftest import OpenTab, window_opener

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]


class Payments:
    """Something that breaks when told to, takes its time, and may refuse."""

    def __init__(self) -> None:
        self.is_broken = False
        self.go_on = asyncio.Event()

    async def break_it(self) -> None:
        await self.go_on.wait()
        self.is_broken = True

    async def mend(self) -> None:
        self.is_broken = False

    async def refuse(self) -> None:
        raise OSError("no space left on device")

    def lever(self) -> Lever:
        about = "Marks 22 payments of the last hours as failed."
        return Lever("Fail payments", about, self.break_it, lambda: self.is_broken, self.mend)

    def jammed(self) -> Lever:
        return Lever("Fill the disk", "Writes a large file.", self.refuse, lambda: False)


async def test_breaking_and_mending(
    slack: LocalSlack, browser: Browser, screenshot: Screenshot
) -> None:
    payments = Payments()
    levers = [payments.lever(), payments.jammed()]
    async with (
        open_page(slack, port=0, levers=levers, notes="Try `/backup now` in #ops") as url,
        window_opener(browser, url) as open_tab,
    ):
        page, other = await open_tab("alice"), await open_tab("bob")
        panel = page.get_by_role("complementary", name="Break things")
        await expect(panel).not_to_be_visible()
        await page.get_by_role("button", name="Break things", exact=True).click()
        await other.get_by_role("button", name="Break things", exact=True).click()
        await expect(panel).to_contain_text("Try /backup now in #ops")
        await expect(panel).to_contain_text("Marks 22 payments of the last hours as failed.")
        pull = panel.get_by_role("button", name="Break: Fail payments")
        await pull.click()
        await expect(pull).to_be_disabled()
        theirs = other.get_by_role("button", name="Break: Fail payments")
        await expect(theirs).to_be_disabled()
        payments.go_on.set()
        await expect(panel).to_contain_text("Broken")
        await screenshot(page, "page-levers")
        await other.get_by_role("button", name="Mend: Fail payments").click()
        await expect(panel.get_by_role("button", name="Break: Fail payments")).to_be_enabled()
        assert not payments.is_broken
        await panel.get_by_role("button", name="Break: Fill the disk").click()
        await expect(page.get_by_text("Fill the disk: no space left on device")).to_be_visible()


async def test_without_levers_there_is_no_drawer(open_tab: OpenTab) -> None:
    page = await open_tab()
    await expect(page.get_by_role("button", name="Break things")).to_have_count(0)
