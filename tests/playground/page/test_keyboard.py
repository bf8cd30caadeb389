"""Everything is done with the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.page.conftest import OpenTab
from tests.playground.page.pages import OPS, composer, message, reply_box, thread

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]


async def focused(page: Page) -> str:
    """The name of what has the focus."""
    found = await page.evaluate(
        "(at => at.getAttribute('aria-label') || at.innerText)(document.activeElement)"
    )
    return str(found)


async def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Press Tab until something of this name has the focus, which must then be seen."""
    for _ in range(40):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        if (await focused(page)).startswith(name):
            break
    else:
        raise AssertionError(f"{name} is not reached with Tab")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", f"{name} does not show that it has the focus"


async def test_from_channel_to_channel(open_tab: OpenTab) -> None:
    page = await open_tab()
    await expect(composer(page)).to_be_focused()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(composer(page, "#support")).to_be_focused()
    await page.keyboard.press("Alt+ArrowUp")
    await page.keyboard.press("Alt+ArrowUp")
    await expect(composer(page, "#incidents")).to_be_focused()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("searchbox", name="Go to channel")).to_be_focused()
    await page.keyboard.type("aler")
    await expect(page.get_by_role("dialog").get_by_role("button")).to_have_text(["# alerts"])
    await page.keyboard.press("Enter")
    await expect(composer(page, "#alerts")).to_be_focused()
    await tab_to(page, "ops, channel", back=True)
    await page.keyboard.press("Enter")
    await expect(composer(page)).to_be_focused()


async def test_react_reply_and_leave_a_thread(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    await client.chat_postMessage(channel=OPS, text="Disk at 91 %")
    await expect(message(page, "Disk at 91 %")).to_be_visible()
    await tab_to(page, "Reply in thread", back=True)
    await page.keyboard.press("Enter")
    await expect(reply_box(page)).to_be_focused()
    await page.keyboard.type("Cleaning up")
    await page.keyboard.press("Enter")
    await expect(thread(page)).to_contain_text("Cleaning up")
    await page.keyboard.press("Escape")
    await expect(thread(page)).not_to_be_visible()
    await expect(composer(page)).to_be_focused()
    await tab_to(page, "React with eyes", back=True)
    await page.keyboard.press("Space")
    pill = message(page, "Disk at 91 %").get_by_role("button", name="eyes, Alice Adams")
    await expect(pill).to_have_text("👀 1")
    await client.reactions_add(channel=OPS, timestamp=slack.messages("ops")[0].ts, name="eyes")
    await expect(message(page, "Disk at 91 %")).to_contain_text("👀 2")
    await page.keyboard.press("Space")
    await expect(message(page, "Disk at 91 %")).to_contain_text("👀 1")


async def test_to_act_as_someone_else(open_tab: OpenTab) -> None:
    page = await open_tab()
    await tab_to(page, "Acting as Alice Adams", back=True)
    await page.keyboard.press("Enter")
    menu = page.get_by_role("menuitem", name="Dan Davis")
    await expect(menu).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(menu).not_to_be_visible()
    await expect(page.get_by_role("button", name="Acting as Alice Adams")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(menu).to_be_visible()
    await tab_to(page, "DD")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Acting as Dan Davis, @admins")).to_be_visible()


def _box(ticks: int) -> list[dict[str, object]]:
    """A checkbox whose block gets another ID with each of its states, ticked at every odd one."""
    option = {"text": {"type": "plain_text", "text": "Look at the logs"}, "value": "1"}
    box: dict[str, object] = {"type": "checkboxes", "action_id": "tick", "options": [option]}
    if ticks % 2:
        box["initial_options"] = [option]
    return [{"type": "actions", "block_id": f"item:{ticks}", "elements": [box]}]


async def test_what_was_ticked_keeps_the_focus_when_its_block_is_another(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    posted = await client.chat_postMessage(channel=OPS, text="A list", blocks=_box(0))
    box = message(page, "Look at the logs").get_by_role("checkbox")
    await box.focus()
    await page.keyboard.press("Space")
    await client.chat_update(channel=OPS, ts=posted["ts"], text="A list", blocks=_box(1))
    await expect(page.locator("[data-at*='item:1']")).to_be_checked()
    await expect(box).to_be_focused()
