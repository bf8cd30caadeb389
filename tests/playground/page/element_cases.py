"""Every interactive element of a message: how it is written, used on the page, and without it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Locator, expect

from bot.playground import ActingPerson, Message
from bot.playground.visible import placed_elements
from tests.playground.helpers import JSON, actions, option, plain, section
from tests.playground.page.pages import OPS

OPTIONS = [option("One", "1"), option("Two", "2"), option("Three", "3")]


def element(kind: str, **more: Any) -> JSON:
    return {"type": kind, "action_id": "a", **more}


def accessory(kind: str, **more: Any) -> list[JSON]:
    words = {"placeholder": plain("Choose here")}
    return [section("Row", block_id="b", accessory=element(kind, **words, **more))]


def row(kind: str, **more: Any) -> list[JSON]:
    return [actions(element(kind, **more), block_id="b")]


async def pick(shown: Locator, words: str, menu: str | None = None) -> None:
    """Search in a menu, the only one or the one of that name, and take what is offered."""
    await shown.get_by_role("combobox", name=menu).fill(words)
    offered = shown.get_by_role("listbox", name="What fits").get_by_role("option")
    # What fits is drawn a moment after it was typed, over all that was offered before.
    await expect(offered).to_have_count(1)
    await offered.filter(has_text=words).click()


async def typed(shown: Locator) -> None:
    field = shown.get_by_role("textbox", name="Why")
    await field.fill("Disk full")
    await field.press("Enter")


# Blocks; what a person does on the page; and the same done without it.
Case = tuple[list[JSON], Callable[[Locator], Awaitable[Any]], Callable[..., Awaitable[Any]]]
INPUT = {"type": "input", "block_id": "b", "label": plain("Why"), "dispatch_action": True}
CASES: dict[str, Case] = {
    "button": (
        row("button", text=plain("Go"), value="7"),
        lambda shown: shown.get_by_role("button", name="Go").click(),
        lambda alice, twin: alice.click(twin, "Go"),
    ),
    "checkboxes": (
        row("checkboxes", options=OPTIONS, initial_options=[OPTIONS[2]]),
        lambda shown: shown.get_by_role("checkbox", name="Two").check(),
        lambda alice, twin: alice.tick(twin, "a", "2"),
    ),
    "checkboxes, unticked": (
        row("checkboxes", options=OPTIONS, initial_options=OPTIONS[1:]),
        lambda shown: shown.get_by_role("checkbox", name="Two").uncheck(),
        lambda alice, twin: alice.tick(twin, "a", "2"),
    ),
    "radio_buttons": (
        row("radio_buttons", options=OPTIONS, initial_option=OPTIONS[0]),
        lambda shown: shown.get_by_role("radio", name="Three").check(),
        lambda alice, twin: alice.select(twin, "a", "3"),
    ),
    "overflow": (
        row("overflow", options=OPTIONS),
        lambda shown: choose_in_menu(shown, "Two"),
        lambda alice, twin: alice.overflow(twin, "a", "Two"),
    ),
    "static_select": (
        accessory("static_select", option_groups=[{"label": plain("G"), "options": OPTIONS}]),
        lambda shown: shown.get_by_label("Choose here").select_option("Three"),
        lambda alice, twin: alice.select(twin, "a", "Three"),
    ),
    "users_select": (
        accessory("users_select"),
        lambda shown: shown.get_by_label("Choose here").select_option("Bob Brown"),
        lambda alice, twin: alice.select(twin, "a", "bob"),
    ),
    "conversations_select": (
        accessory("conversations_select", filter={"include": ["public"]}),
        lambda shown: shown.get_by_label("Choose here").select_option("#alerts"),
        lambda alice, twin: alice.select(twin, "a", "alerts"),
    ),
    "channels_select": (
        accessory("channels_select", initial_channel=OPS),
        lambda shown: shown.get_by_label("Choose here").select_option("#support"),
        lambda alice, twin: alice.select(twin, "a", "support"),
    ),
    "multi_static_select": (
        accessory("multi_static_select", options=OPTIONS, initial_options=OPTIONS[:1]),
        lambda shown: pick(shown, "Two"),
        lambda alice, twin: alice.select(twin, "a", ["One", "Two"]),
    ),
    "multi_static_select, taken away": (
        accessory("multi_static_select", options=OPTIONS, initial_options=OPTIONS[:2]),
        lambda shown: shown.get_by_role("button", name="Remove One").click(),
        lambda alice, twin: alice.select(twin, "a", ["Two"]),
    ),
    "multi_users_select": (
        accessory("multi_users_select"),
        lambda shown: pick(shown, "Carol Clark"),
        lambda alice, twin: alice.select(twin, "a", ["carol"]),
    ),
    "multi_channels_select": (
        accessory("multi_channels_select"),
        lambda shown: pick(shown, "#alerts"),
        lambda alice, twin: alice.select(twin, "a", ["alerts"]),
    ),
    "datepicker": (
        row("datepicker", initial_date="2026-11-22"),
        lambda shown: shown.get_by_label("Date").fill("2026-12-24"),
        lambda alice, twin: alice.select(twin, "a", "2026-12-24"),
    ),
    "timepicker": (
        row("timepicker"),
        lambda shown: shown.get_by_label("Time").fill("14:30"),
        lambda alice, twin: alice.select(twin, "a", "14:30"),
    ),
    "datetimepicker, in Berlin": (
        row("datetimepicker", initial_date_time=1_790_000_000),
        lambda shown: shown.get_by_label("Date and time").fill("2026-12-24T18:00"),
        lambda alice, twin: alice.select(twin, "a", 1_798_131_600),
    ),
    "plain_text_input": (
        [{**INPUT, "element": element("plain_text_input")}],
        typed,
        lambda alice, twin: alice.select(twin, "a", "Disk full"),
    ),
    "feedback_buttons": (
        [
            {
                "type": "context_actions",
                "block_id": "b",
                "elements": [
                    element(
                        "feedback_buttons",
                        positive_button={"text": plain("Good"), "value": "yes"},
                        negative_button={"text": plain("Bad"), "value": "no"},
                    )
                ],
            }
        ],
        lambda shown: shown.get_by_role("button", name="Bad").click(),
        lambda alice, twin: act(
            alice, twin, {"text": plain("Bad") | {"emoji": True}, "value": "no"}
        ),
    ),
    "icon_button": (
        [
            {
                "type": "context_actions",
                "block_id": "b",
                "elements": [element("icon_button", icon="trash", text=plain("Drop"), value="9")],
            }
        ],
        lambda shown: shown.get_by_role("button", name="Drop").click(),
        lambda alice, twin: alice.click(twin, "Drop"),
    ),
}


async def choose_in_menu(shown: Locator, words: str) -> None:
    await shown.get_by_role("button", name="More actions").click()
    await shown.get_by_role("menuitem", name=words).click()


async def act(alice: ActingPerson, twin: Message, value: Any) -> None:
    (placed,) = placed_elements(twin.blocks)
    await alice.act(twin, placed, value)
