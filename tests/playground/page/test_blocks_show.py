"""What blocks look like to people: every kind of them, safe, current, and by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urljoin

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from bot.playground.visible import visible_texts
from tests.playground.helpers import (
    JSON,
    actions,
    button,
    mrkdwn,
    option,
    plain,
    rich_text,
    section,
    text_input,
)
from tests.playground.page.app import App, running_app
from tests.playground.page.conftest import PHONE, OpenTab
from tests.playground.page.gallery import CHECKLIST, READING
from tests.playground.page.pages import ALERTS, OPS, message, overflow
from tests.playground.test_every_block import IN_MESSAGES
from tests.playground.test_mrkdwn import HOSTILE

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]
NOON = 1_795_000_000  # 18 November 2026, 12:06 in Berlin, 6:06 in New York


@pytest_asyncio.fixture(loop_scope="session")
async def app(slack: LocalSlack) -> AsyncIterator[App]:
    async with running_app(slack) as running:
        yield running


def boxes(*ticked: JSON) -> list[JSON]:
    """A checklist with two items, of which some are ticked by the app."""
    options = [option("Logs", "1"), option("Disk", "2")]
    element: JSON = {"type": "checkboxes", "action_id": "tick", "options": options}
    if ticked:
        element["initial_options"] = list(ticked)
    return [actions(element, block_id="list")]


async def test_every_kind_of_block_shows_its_text(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    for at, (block, _seen) in enumerate(IN_MESSAGES):
        if "https://e.example/x.png" in str(block):
            continue  # pictures of the web cannot be had here; alt texts are tested by themselves
        await client.chat_postMessage(
            channel=OPS, text="t", blocks=[section(f"Number {at}."), block]
        )
        shown = message(page, f"Number {at}.")
        for text in visible_texts([block]):
            if block["type"] in ("rich_text", "markdown"):
                continue  # shown with names and marks in place of signs: see the gallery
            words = shown.get_by_text(text)
            words = words.or_(shown.get_by_label(text)).or_(shown.get_by_title(text))
            await expect(words.first, f"{block['type']}: {text}").to_be_attached()


@pytest.mark.parametrize("looks", ["light", "dark", "phone"])
async def test_the_gallery(
    client: AsyncWebClient, open_tab: OpenTab, screenshot: Screenshot, looks: str
) -> None:
    context = PHONE if looks == "phone" else {"viewport": {"width": 1280, "height": 1100}}
    if looks == "dark":
        context = context | {"color_scheme": "dark"}
    await client.chat_postMessage(channel=OPS, text="t", blocks=CHECKLIST)
    await client.chat_postMessage(channel=ALERTS, text="t", blocks=READING)
    page = await open_tab("alice", "ops", locale="en-GB", **context)
    await expect(page.get_by_text("due 18 Nov 2026 at 12:06")).to_be_visible()
    await screenshot(page, f"blocks-checklist-{looks}")
    assert await overflow(page) <= 0
    await page.goto(page.url.replace("=ops", "=alerts"))
    await expect(page.get_by_role("heading", name="Markdown")).to_be_visible()
    await expect(page.get_by_role("columnheader", name="Rows")).to_be_visible()
    await screenshot(page, f"blocks-reading-{looks}")
    assert await overflow(page) <= 0


async def test_dates_are_in_the_zone_of_each_browser(
    client: AsyncWebClient, open_tab: OpenTab
) -> None:
    words = f"<!date^{NOON}^{{date_num}} {{time}}|x>, <!date^{NOON}^{{nonsense}}|the fallback>"
    await client.chat_postMessage(channel=OPS, text=words, blocks=[section(words)])
    berlin = await open_tab("alice", locale="en-GB")
    york = await open_tab("bob", locale="en-GB", timezone_id="America/New_York")
    await expect(message(berlin, "2026-11-18 12:06, the fallback")).to_be_visible()
    await expect(message(york, "2026-11-18 6:06, the fallback")).to_be_visible()


async def test_nothing_that_the_app_writes_becomes_a_page_of_its_own(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for at, text in enumerate(HOSTILE):
        words = text[:70]
        block: JSON = {"type": "markdown", "text": text}
        blocks = [
            section(f"Number {at}. {text}", fields=[mrkdwn(text), plain(text)]),
            {"type": "header", "text": plain(text)},
            {"type": "context", "elements": [mrkdwn(text)]},
            rich_text(text),
            block,
            {"type": "table", "rows": [[{"type": "raw_text", "text": text}]]},
            {"type": "input", "label": plain(text), "element": {"type": "plain_text_input"}},
            actions(
                button(words, action_id="b"),
                {"type": "overflow", "action_id": "o", "options": [option(words, "1")]},
                {"type": "static_select", "action_id": "s", "options": [option(words, "1")]},
                {"type": "checkboxes", "action_id": "c", "options": [option(words, "1")]},
            ),
        ]
        await client.chat_postMessage(channel=OPS, text=text, blocks=blocks)
    await expect(message(page, f"Number {len(HOSTILE) - 1}.")).to_be_visible()
    found = await page.evaluate(
        """() => [...document.querySelectorAll('.bk-blocks *')].filter((each) =>
            each.matches('script, iframe, svg, img, object') ||
            [...each.attributes].some((one) => one.name.startsWith('on')) ||
            (each.getAttribute('href') || '').trim().toLowerCase().match(/^(javascript|data):/)
        ).map((each) => each.outerHTML)"""
    )
    assert found == []


async def test_a_picture_that_was_uploaded(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>'
    file = slack.backend.files.add("chart.svg", svg, slack.workspace.bot.id)
    image = {"type": "image", "slack_file": {"id": file.id}, "alt_text": "Disk, rising"}
    await client.chat_postMessage(channel=OPS, text="t", blocks=[image])
    page = await open_tab()
    shown = page.get_by_role("img", name="Disk, rising")
    await expect(shown).to_be_visible()
    source = urljoin(page.url, str(await shown.get_attribute("src")))
    served = await page.request.get(source)
    assert (served.status, await served.body()) == (200, svg)


async def test_a_colleagues_tick_shows_and_ones_own_stays(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab
) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="t", blocks=boxes())
    alice, bob = await open_tab("alice"), await open_tab("bob")
    await alice.get_by_role("checkbox", name="Logs").check()
    payload = await app.heard()
    (ticked,) = payload["actions"][0]["selected_options"]
    await expect(bob.get_by_role("checkbox", name="Logs")).not_to_be_checked()
    await client.chat_update(channel=OPS, ts=posted["ts"], text="t", blocks=boxes(ticked))
    await expect(bob.get_by_role("checkbox", name="Logs")).to_be_checked()
    # The app takes the tick back, but Alice's screen keeps what she entered, as Slack's does.
    blocks = [*boxes(), section("Taken back")]
    await client.chat_update(channel=OPS, ts=posted["ts"], text="t", blocks=blocks)
    await expect(alice.get_by_text("Taken back")).to_be_visible()
    await expect(bob.get_by_role("checkbox", name="Logs")).not_to_be_checked()
    await expect(alice.get_by_role("checkbox", name="Logs")).to_be_checked()


async def test_a_tick_from_a_stale_screen_is_about_what_was_seen(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab
) -> None:
    confirm = {
        "title": plain("Sure?"),
        "text": plain("Really"),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    go = button("Go", action_id="go", value="old", confirm=confirm)
    blocks = [actions(go, block_id="b")]
    posted = await client.chat_postMessage(channel=OPS, text="Before", blocks=blocks)
    page = await open_tab()
    await page.get_by_role("button", name="Go").click()
    asked = page.get_by_role("dialog", name="Sure?")
    await expect(asked).to_be_visible()
    newer = [section("Done by Bob meanwhile")]
    await client.chat_update(channel=OPS, ts=posted["ts"], text="After", blocks=newer)
    await expect(page.get_by_text("Done by Bob meanwhile")).to_be_attached()
    await asked.get_by_role("button", name="Yes").click()
    payload = await app.heard()
    assert payload["actions"][0]["value"] == "old"
    assert payload["message"]["text"] == "Before"


async def test_an_update_leaves_focus_typing_and_menus_alone(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    def blocks(done: int, label: str = "Why") -> list[JSON]:
        menu = {"type": "overflow", "action_id": "more", "options": [option("Skip", "s")]}
        row = actions(button("Cancel", action_id="cancel"), menu, block_id="row")
        return [section(f"Step {done} of 9"), text_input("why", label), row]

    posted = await client.chat_postMessage(channel=OPS, text="t", blocks=blocks(1))
    page = await open_tab()
    field = page.get_by_role("textbox", name="Why")
    await field.press_sequentially("abc")
    await field.press("ArrowLeft")
    # The block with the field itself is drawn again: what was typed and the caret stay.
    await client.chat_update(channel=OPS, ts=posted["ts"], text="t", blocks=blocks(2, "Why so"))
    await expect(page.get_by_text("Step 2 of 9")).to_be_visible()
    await page.keyboard.type("x")
    await expect(page.get_by_role("textbox", name="Why so")).to_have_value("abxc")
    await page.get_by_role("button", name="More actions").click()
    await expect(page.get_by_role("menuitem", name="Skip")).to_be_focused()
    await client.chat_update(channel=OPS, ts=posted["ts"], text="t", blocks=blocks(3, "Why so"))
    await expect(page.get_by_text("Step 3 of 9")).to_be_visible()
    await expect(page.get_by_role("menuitem", name="Skip")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="More actions")).to_be_focused()


async def test_a_message_by_keyboard_alone(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab
) -> None:
    menu = {
        "type": "overflow",
        "action_id": "more",
        "options": [option("Skip", "s"), option("Assign", "a"), option("Open", "o")],
    }
    row = actions(button("Go", action_id="go"), menu, block_id="row")
    await client.chat_postMessage(channel=OPS, text="t", blocks=[*boxes(), row])
    page = await open_tab()
    await page.get_by_role("checkbox", name="Logs").focus()
    await page.keyboard.press("Space")
    assert (await app.heard())["actions"][0]["selected_options"][0]["value"] == "1"
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Go")).to_be_focused()
    await page.keyboard.press("Enter")
    assert (await app.heard())["actions"][0]["action_id"] == "go"
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Skip")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    assert (await app.heard())["actions"][0]["selected_option"]["value"] == "a"
    await expect(page.get_by_role("menu")).to_have_count(0)
