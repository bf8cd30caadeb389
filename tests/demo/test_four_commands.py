"""Deploy, maintenance and restore in the demo, in the browser, as people would try them.

Two of its pictures are the README's: `make pictures` takes them anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.demo.conftest import NOON, START
from tests.demo.test_first_minute import SECONDS, Keep
from tests.parts.process import opsbell
from tests.playground.page.pages import composer, entry, message, send

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]


async def window(browser: Browser, link: str, person: str) -> Page:
    """Someone's window, in #ops."""
    page = await browser.new_page(
        viewport={"width": 1200, "height": 900}, timezone_id=NOON, locale="en-GB"
    )
    page.set_default_timeout(30 * SECONDS)
    await page.goto(f"{link}?as={person}")
    await entry(page, "ops").click()
    return page


async def run_plan(page: Page, command: str, *, name: str = "") -> None:
    """Types a command, reads its plan and runs it."""
    await send(composer(page), command)
    plan = page.get_by_role("dialog", name="Plan")
    await expect(plan.get_by_role("button", name="Run")).to_be_visible(timeout=30 * SECONDS)
    if name:
        await plan.get_by_role("textbox").fill(name)
    await plan.get_by_role("button", name="Run").click()


@pytest.mark.timeout(400)
async def test_deploys_maintenance_and_a_restore_that_a_colleague_approves(
    short_path: Path, browser: Browser, screenshot: Keep
) -> None:
    start = ("demo", "--directory", "demo", "--port", "0")
    async with opsbell(*start, cwd=short_path, env={"TZ": NOON}) as process:
        link = (await process.wait_for_line(r"http://127.0.0.1:\d+/", timeout=START))[0]
        carol = await window(browser, link, "carol")

        await send(composer(carol), "/deploy v1.5.0")
        plan = carol.get_by_role("dialog", name="Plan")
        await expect(plan).to_contain_text("migration", timeout=30 * SECONDS)
        await screenshot(carol, "plan-of-a-deploy")
        await plan.get_by_role("button", name="Run").click()
        deployed = message(carol, "Deploy of v1.5.0 to grandvps · done")
        await expect(deployed).to_contain_text("Migrate", timeout=120 * SECONDS)
        await screenshot(carol, "deployed")

        await run_plan(carol, "/deploy v1.6.0")
        broken = message(carol, "Deploy of v1.6.0 to grandvps · failed")
        await expect(broken).to_contain_text("Taken back", timeout=120 * SECONDS)
        await screenshot(carol, "went-back-by-itself")

        await send(composer(carol), "/maintenance on Looking around for 30m")
        closed = message(carol, "Visitors meet the maintenance page")
        await expect(closed).to_contain_text("Looking around", timeout=60 * SECONDS)
        await screenshot(carol, "in-maintenance")
        await closed.get_by_role("button", name="End now").click()
        await carol.get_by_role("dialog").get_by_role("button", name="End it").click()
        opened = message(carol, "Visitors meet the application again")
        await expect(opened).to_be_visible(timeout=60 * SECONDS)

        await run_plan(carol, "/restore latest database", name="grandvps")
        waits = message(carol, "waits for approval")
        await expect(waits).to_contain_text("dan", timeout=30 * SECONDS)
        dan = await window(browser, link, "dan")
        await message(dan, "waits for approval").get_by_role("button", name="Approve").click()
        await dan.get_by_role("dialog").get_by_role("button", name="Approve it").click()
        restored = message(dan, "Restore grandvps from").filter(has_text="· done")
        await expect(restored).to_contain_text("Approved by", timeout=120 * SECONDS)
        await screenshot(dan, "restored")
        await carol.close()
        await dan.close()
        assert await process.terminate(timeout=30) == 0
