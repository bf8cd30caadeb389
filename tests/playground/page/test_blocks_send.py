"""Every interactive element of a message sends what Slack sends, once its person agreed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack, Message
from tests.playground.helpers import JSON, actions, button, option, plain, section
from tests.playground.page.app import App, essence, running_app
from tests.playground.page.conftest import OpenTab
from tests.playground.page.element_cases import CASES, accessory, element
from tests.playground.page.pages import OPS, message

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]

CONFIRM = {
    "title": plain("Roll back?"),
    "text": plain("This cannot be undone."),
    "confirm": plain("Roll back"),
    "deny": plain("Keep"),
    "style": "danger",
}


@pytest_asyncio.fixture(loop_scope="session")
async def app(slack: LocalSlack) -> AsyncIterator[App]:
    async with running_app(slack) as running:
        yield running


async def post(client: AsyncWebClient, slack: LocalSlack, blocks: list[JSON], text: str) -> Message:
    answer = await client.chat_postMessage(channel=OPS, text=text, blocks=[section(text), *blocks])
    return slack.workspace.channels[OPS].messages[answer["ts"]]


async def test_each_element_sends_what_slack_sends(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab
) -> None:
    page, alice = await open_tab(), slack.person("alice")
    for name, (blocks, on_page, without_page) in CASES.items():
        posted = await post(client, slack, blocks, f"Page: {name}.")
        twin = await post(client, slack, blocks, f"Twin: {name}.")
        await on_page(message(page, f"Page: {name}."))
        sent = await app.heard()
        assert sent["message"]["ts"] == sent["container"]["message_ts"] == posted.ts, name
        assert sent["response_url"].startswith(slack.backend.base_url)
        await without_page(alice, twin)
        assert essence(sent) == essence(await app.heard()), name
    assert app.heard_nothing


@pytest.mark.parametrize("kind", ["external_select", "multi_external_select"])
async def test_what_the_app_offers_for_what_was_typed(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab, kind: str
) -> None:
    page = await open_tab()
    found = [option("20261122T020000Z", "x"), option("20261121T020000Z", "y")]
    groups = {"option_groups": [{"label": plain("November"), "options": found}]}
    app.answer = lambda payload: groups if payload["type"] == "block_suggestion" else None
    await post(client, slack, accessory(kind, min_query_length=2), "Which")
    shown = message(page, "Which")
    field = shown.get_by_role("combobox", name="Choose here")
    await field.fill("2")
    await expect(shown.get_by_text("Type at least 2 characters")).to_be_visible()
    await field.press_sequentially("0")
    await expect(shown.get_by_text("November")).to_be_visible()
    asked = await app.heard()
    assert (asked["type"], asked["value"]) == ("block_suggestion", "20")
    assert (asked["block_id"], asked["action_id"]) == ("b", "a")
    assert "trigger_id" not in asked
    await field.press("ArrowDown")
    await field.press("ArrowDown")
    await field.press("Enter")
    (action,) = (await app.heard())["actions"]
    chosen = action["selected_options"] if "multi" in kind else [action["selected_option"]]
    assert [each["value"] for each in chosen] == ["y"]
    await shown.get_by_role("button", name="Remove 20261121T020000Z").click()
    (action,) = (await app.heard())["actions"]
    assert not (action["selected_options"] if "multi" in kind else action["selected_option"])


async def test_nothing_is_sent_before_a_confirmation(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab
) -> None:
    page = await open_tab()
    go = button("Go", action_id="go", style="danger", confirm=CONFIRM)
    tick = element("checkboxes", options=[option("Done", "1")], confirm=CONFIRM)
    await post(client, slack, [actions(go, tick, block_id="b")], "Careful")
    asked = page.get_by_role("dialog", name="Roll back?")
    go_button = page.get_by_role("button", name="Go")
    await go_button.click()
    await expect(asked).to_contain_text("This cannot be undone.")
    await expect(asked.get_by_role("button", name="Keep")).to_be_focused()
    await asked.get_by_role("button", name="Keep").click()
    await expect(asked).to_have_count(0)
    await expect(go_button).to_be_focused()
    box = page.get_by_role("checkbox", name="Done")
    await box.click()
    await expect(asked).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(asked).to_have_count(0)
    await expect(box).not_to_be_checked()
    assert app.heard_nothing
    await go_button.click()
    await asked.get_by_role("button", name="Roll back").click()
    payload = await app.heard()
    assert payload["actions"][0]["action_id"] == "go"
    assert payload["state"]["values"]["b"]["a"]["selected_options"] == []


async def test_a_button_waits_for_the_answer(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab
) -> None:
    page = await open_tab()
    buttons = actions(button("Go", action_id="go"), button("After", action_id="after"))
    await post(client, slack, [buttons], "Slow")
    go, after = (page.get_by_role("button", name=name) for name in ("Go", "After"))
    app.held = asyncio.Event()
    await go.click()
    await expect(go).to_have_attribute("aria-busy", "true")
    await go.click()  # is not sent again while the first is under way
    await after.click()
    # Clicks are taken in their order: the one before this has been.
    await expect(after).to_have_attribute("aria-busy", "true")
    app.held.set()
    heard = [(await app.heard())["actions"][0]["action_id"] for _ in range(2)]
    assert heard == ["go", "after"]
    await expect(go).to_have_attribute("aria-busy", "false")
    assert app.heard_nothing


@pytest.mark.parametrize("ack_timeout", [0.2])
async def test_a_button_tells_when_there_is_no_answer(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab
) -> None:
    page = await open_tab()
    await post(client, slack, [actions(button("Go", action_id="go"))], "Slow")
    app.is_silent = True
    await page.get_by_role("button", name="Go").click()
    await expect(page.get_by_text("Opsbell did not answer")).to_be_visible()


async def test_a_link_opens_and_is_heard_of(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab, url: str
) -> None:
    page = await open_tab()
    there = button("Open", action_id="open", url=f"{url}?as=bob")
    hostile = button("Trap", action_id="trap", url="javascript:document.title='trapped'")
    await post(client, slack, [actions(there, hostile)], "Links")
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="Open").click()
    beside = await opened.value
    assert "as=bob" in beside.url
    await beside.close()  # else it comes back in every later test
    assert (await app.heard())["actions"][0]["action_id"] == "open"
    await page.get_by_role("button", name="Trap").click()
    assert (await app.heard())["actions"][0]["action_id"] == "trap"
    assert await page.title() != "trapped"


async def test_only_those_it_is_meant_for_see_a_button(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    for_bob = button("Approve", action_id="yes", visible_to_user_ids=["U0BOB00001"])
    await post(client, slack, [actions(for_bob, button("Look", action_id="look"))], "Ask")
    alice, bob = await open_tab("alice"), await open_tab("bob")
    await expect(bob.get_by_role("button", name="Approve")).to_be_visible()
    await expect(alice.get_by_role("button", name="Look")).to_be_visible()
    await expect(alice.get_by_role("button", name="Approve")).to_have_count(0)
