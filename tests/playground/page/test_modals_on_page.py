"""Modals in the browser: filled in, refused, mended, stacked and left, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import (
    JSON,
    actions,
    button,
    modal,
    option,
    plain,
    section,
    text_input,
)
from tests.playground.page.app import App, essence, running_app
from tests.playground.page.conftest import PHONE, OpenTab
from tests.playground.page.element_cases import pick
from tests.playground.page.gallery import FORM, field
from tests.playground.page.pages import composer, overflow

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]
Show = Callable[..., Awaitable[str]]
ALICE = "U0ALICE001"


@pytest_asyncio.fixture(loop_scope="session")
async def app(slack: LocalSlack) -> AsyncIterator[App]:
    async with running_app(slack) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def show(slack: LocalSlack, client: AsyncWebClient) -> Show:
    """Opens a modal before Alice and gives its ID."""

    async def open_(*blocks: JSON, **more: Any) -> str:
        trigger = slack.backend.triggers.new(ALICE)
        answer = await client.views_open(trigger_id=trigger, view=modal(*blocks, **more))
        return str(answer["view"]["id"])

    return open_


async def test_a_refused_value_is_mended_and_submitted(
    slack: LocalSlack, app: App, open_tab: OpenTab, show: Show
) -> None:
    page = await open_tab()
    hint = {"hint": plain("A few words")}
    await show(text_input("why", "Why", **hint), text_input("who", "Who", optional=True))
    form = page.get_by_role("dialog", name="Form")
    why = form.get_by_role("textbox", name="Why")
    await expect(why).to_be_focused()
    await expect(why).to_have_accessible_description("A few words")
    # What is required is asked for by Slack's client itself: nothing is sent.
    await form.get_by_role("button", name="Send").click()
    await expect(why).to_have_accessible_description("This field is required A few words")
    await expect(form.get_by_role("alert")).to_have_text("1 field needs attention")
    await expect(why).to_be_focused()
    assert app.heard_nothing
    app.answer = lambda _payload: {"response_action": "errors", "errors": {"why": "Say more"}}
    await page.keyboard.type("Disk")
    await page.keyboard.press("Enter")
    first = await app.heard()
    assert first["type"] == "view_submission"
    assert first["view"]["state"]["values"]["why"]["text"]["value"] == "Disk"
    await expect(why).to_have_accessible_description("Say more A few words")
    await expect(why).to_have_attribute("aria-invalid", "true")
    await expect(why).to_be_focused()
    await expect(why).to_have_value("Disk")
    app.answer = lambda _payload: None
    await why.fill("Disk is full")
    await form.get_by_role("button", name="Send").click()
    values = (await app.heard())["view"]["state"]["values"]
    assert values["why"] == {"text": {"type": "plain_text_input", "value": "Disk is full"}}
    assert values["who"] == {"text": {"type": "plain_text_input", "value": None}}
    await expect(form).to_have_count(0)


async def test_the_page_submits_what_a_person_without_it_does(
    slack: LocalSlack, app: App, open_tab: OpenTab, show: Show
) -> None:
    levels = [option("Low", "1"), option("High", "2")]
    blocks = [
        field("Text", "plain_text_input", multiline=True),
        field("Mail", "email_text_input"),
        field("Count", "number_input", is_decimal_allowed=False),
        field("Level", "static_select", options=levels),
        field("Kind", "radio_buttons", options=levels),
        field("Parts", "checkboxes", options=levels),
        field("People", "multi_users_select"),
        field("Day", "datepicker"),
    ]
    page = await open_tab()
    await show(*blocks)
    form = page.get_by_role("dialog", name="Form")
    await form.get_by_label("Text").fill("one\ntwo")
    await form.get_by_label("Mail").fill("a@e.example")
    await form.get_by_label("Count").fill("42")
    await form.get_by_label("Level").select_option("High")
    await form.get_by_role("radio", name="Low").check()
    await form.get_by_role("checkbox", name="High").check()
    await pick(form, "Bob Brown", "People")
    await form.get_by_label("Day").fill("2026-11-22")
    await form.get_by_role("button", name="Send").click()
    by_page = await app.heard()
    await expect(form).to_have_count(0)
    await show(*blocks)
    alice = slack.person(ALICE)
    values = {"Text": "one\ntwo", "Mail": "a@e.example", "Count": "42", "Level": "High"}
    values |= {"Kind": "Low", "Day": "2026-11-22"}
    lists = {"Parts": ["High"], "People": ["bob"]}
    result = await alice.submit(await alice.wait_for_view(), values | lists)
    assert result.closed
    without_page = await app.heard()
    assert by_page["view"]["state"] == without_page["view"]["state"]
    assert essence(by_page) == essence(without_page)


@pytest.mark.parametrize("window", [{}, PHONE], ids=["desk", "phone"])
async def test_a_long_modal_opens_at_its_top(
    open_tab: OpenTab, show: Show, window: dict[str, Any]
) -> None:
    page = await open_tab(**window)
    long = [section(f"*{number}. Step*\n```command {number}```") for number in range(30)]
    await show(*long, text_input("name", "To confirm, type grandvps"), title=plain("Plan"))
    form = page.get_by_role("dialog", name="Plan")
    await expect(form.get_by_role("heading", name="Plan")).to_be_focused()
    await expect(form.get_by_text("command 0", exact=True)).to_be_in_viewport()
    name = form.get_by_role("textbox", name="To confirm")
    await expect(name).not_to_be_in_viewport()
    await name.fill("grandvps")
    await expect(name).to_be_in_viewport()


async def test_a_stack_by_keyboard_alone(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab, show: Show
) -> None:
    page = await open_tab()
    await composer(page).fill("half a thought")
    await show(actions(button("More", action_id="more")), title=plain("First"))

    def answer(payload: JSON) -> Any:
        second = modal(text_input("why"), title=plain("Second"), notify_on_close=True)
        is_first = payload["type"] == "view_submission" and not payload["view"]["previous_view_id"]
        return {"response_action": "push", "view": second} if is_first else None

    app.answer = answer
    first = page.get_by_role("dialog", name="First")
    await expect(first.get_by_role("heading", name="First")).to_be_focused()
    reached = []
    for _ in range(8):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.textContent"))
    assert {"More", "Send", "Close"} <= set(reached)
    assert "half a thought" not in reached  # the page behind is out of reach
    await first.get_by_role("button", name="Send").focus()
    await page.keyboard.press("Enter")
    assert (await app.heard())["type"] == "view_submission"
    second = page.get_by_role("dialog", name="Second")
    await expect(second.get_by_role("textbox", name="Why")).to_be_focused()
    await expect(second.get_by_role("button", name="Back")).to_be_visible()
    await page.keyboard.press("Escape")
    closed = await app.heard()
    assert (closed["type"], closed["is_cleared"]) == ("view_closed", False)
    await expect(first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(composer(page)).to_be_focused()
    await expect(composer(page)).to_have_value("half a thought")


async def test_the_corner_leaves_the_whole_stack(
    slack: LocalSlack, client: AsyncWebClient, app: App, open_tab: OpenTab, show: Show
) -> None:
    page = await open_tab()
    first = await show(section(), notify_on_close=True)
    trigger = slack.backend.triggers.new(ALICE, first)
    pushed = modal(section(), title=plain("Second"), notify_on_close=True)
    await client.views_push(trigger_id=trigger, view=pushed)
    second = page.get_by_role("dialog", name="Second")
    await second.get_by_role("button", name="Close", exact=True).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert [(await app.heard())["is_cleared"] for _ in range(2)] == [True, True]


async def test_an_update_keeps_what_was_entered(
    client: AsyncWebClient, app: App, open_tab: OpenTab, show: Show
) -> None:
    page = await open_tab()
    opened = await show(text_input("why"), button_row := actions(button("More", action_id="more")))
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Why").fill("typed")
    await form.get_by_role("button", name="More").click()
    payload = await app.heard()
    assert payload["container"] == {"type": "view", "view_id": opened}
    assert payload["view"]["state"]["values"]["why"]["text"]["value"] == "typed"
    newer = modal(text_input("why", "Why so"), section("Added"), button_row, title=plain("Newer"))
    await client.views_update(view_id=opened, view=newer)
    form = page.get_by_role("dialog", name="Newer")
    await expect(form.get_by_text("Added")).to_be_visible()
    await expect(form.get_by_role("textbox", name="Why so")).to_have_value("typed")


@pytest.mark.parametrize("ack_timeout", [3.0])
async def test_an_app_that_does_not_answer(app: App, open_tab: OpenTab, show: Show) -> None:
    page = await open_tab()
    await show(text_input("why"))
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Why").fill("kept")
    app.is_silent = True
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("button", name="Send")).to_have_attribute("aria-busy", "true")
    told = "Opsbell did not answer. What you entered is still here."
    await expect(form.get_by_role("alert")).to_have_text(told)
    await expect(form.get_by_role("textbox", name="Why")).to_have_value("kept")


async def test_files_are_uploaded_with_the_form(
    slack: LocalSlack, app: App, open_tab: OpenTab, show: Show
) -> None:
    page = await open_tab()
    await show(field("Evidence", "file_input", filetypes=["txt"], max_files=2))
    form = page.get_by_role("dialog")
    picker = form.get_by_label("Evidence")
    assert await picker.get_attribute("accept") == ".txt"
    files: list[Any] = [
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"first"},
        {"name": "b.txt", "mimeType": "text/plain", "buffer": b"second"},
    ]
    await picker.set_input_files(files)
    await expect(form.get_by_text("b.txt")).to_be_visible()
    await form.get_by_role("button", name="Remove a.txt").click()
    await expect(form.get_by_text("a.txt")).to_have_count(0)
    await form.get_by_role("button", name="Send").click()
    values = (await app.heard())["view"]["state"]["values"]
    (file,) = values["Evidence"]["a"]["files"]
    assert (file["name"], slack.file_bytes(file["id"])) == ("b.txt", b"second")


@pytest.mark.parametrize(
    ("kind", "typed", "told", "mended"),
    [
        ("number_input", "few", "This needs a number", "7"),
        ("number_input", "7.5", "This needs a whole number", "7"),
        ("number_input", "0", "This number is too small", "7"),
        ("number_input", "99", "This number is too large", "7"),
        ("email_text_input", "a at e.example", "This needs an email address", "a@e.example"),
        ("url_text_input", "e.example", "This needs a URL that begins with", "https://e.example"),
        ("plain_text_input", "a", "This is too short", "abc"),
    ],
)
async def test_what_slacks_client_objects_to_is_not_sent(
    app: App, open_tab: OpenTab, show: Show, kind: str, typed: str, told: str, mended: str
) -> None:
    more: JSON = {"is_decimal_allowed": False, "min_value": "1", "max_value": "9"}
    more = more if kind == "number_input" else {}
    more = more | ({"min_length": 2} if kind == "plain_text_input" else {})
    page = await open_tab()
    await show(field("Value", kind, **more))
    value = page.get_by_role("textbox", name="Value")
    await value.fill(typed)
    await value.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text(told)
    assert app.heard_nothing
    await value.fill(mended)
    await value.press("Enter")
    state = (await app.heard())["view"]["state"]["values"]
    assert state["Value"]["a"]["value"] == mended


async def test_the_counter_and_the_field_that_asks_for_the_focus(
    open_tab: OpenTab, show: Show
) -> None:
    page = await open_tab()
    await show(
        field("First", "plain_text_input"),
        field("Second", "plain_text_input", max_length=10, focus_on_load=True),
    )
    second = page.get_by_role("textbox", name="Second")
    await expect(second).to_be_focused()
    await page.keyboard.type("123456789012")
    await expect(page.get_by_role("dialog").get_by_text("-2", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Send").last.click()
    await expect(second).to_have_accessible_description("This is too long")


@pytest.mark.parametrize("looks", ["light", "dark", "phone"])
async def test_how_a_modal_looks(
    open_tab: OpenTab, show: Show, screenshot: Screenshot, looks: str
) -> None:
    context = PHONE if looks == "phone" else {"viewport": {"width": 1280, "height": 1100}}
    if looks == "dark":
        context = context | {"color_scheme": "dark"}
    page = await open_tab(locale="en-GB", **context)
    await show(*FORM, title=plain("Open an incident"))
    form = page.get_by_role("dialog", name="Open an incident")
    await pick(form, "Bob Brown", "Who")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("alert")).to_have_text("2 fields need attention")
    await screenshot(page, f"modal-{looks}")
    assert await overflow(page) <= 0
