"""Buttons of all kinds, and overflow menus."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from bot.playground.page import mrkdwn
from bot.playground.page.elements.spot import Spot
from bot.playground.page.tags import tag

_ICONS = {"trash": "🗑️"}


def draw_button(spot: Spot) -> None:
    """A button; one with a URL opens it too, in a new tab."""
    element = spot.element
    words = mrkdwn.replace_emoji(element["text"]["text"])
    classes = f"bk-button bk-button-{element.get('style', 'plain')}"
    url = element.get("url") or element.get("workflow", {}).get("trigger", {}).get("url", "")
    if url and mrkdwn.is_safe(url):
        link = {"href": url, "target": "_blank", "rel": "noopener noreferrer"}
        button = tag("a", words, classes, **link)
    else:
        button = tag("button", words, classes, type="button")
    spot.name(button, element.get("accessibility_label", ""))
    _on_press(button, spot)


def draw_icon_button(spot: Spot) -> None:
    """A small button with an icon; its words are its name and its tooltip."""
    words = spot.element["text"]["text"]
    icon = _ICONS.get(spot.element["icon"], "")
    button = tag("button", icon or words, "bk-button bk-button-quiet", type="button", title=words)
    spot.name(button, spot.element.get("accessibility_label") or words)
    _on_press(button, spot)


def draw_feedback(spot: Spot) -> None:
    """Two buttons to say whether something was good."""
    with tag("div", classes="bk-row", role="group", aria_label="Feedback"):
        for side, icon in (("positive_button", "👍"), ("negative_button", "👎")):
            choice = spot.element[side]
            words = choice["text"]["text"]
            name = choice.get("accessibility_label") or words
            button = tag("button", f"{icon} {words}", "bk-button bk-button-quiet", type="button")
            spot.name(button, name)
            button.props["data-at"] = f"{spot.key}/{side}"
            _on_press(button, spot, {"text": choice["text"], "value": choice["value"]})


def draw_overflow(spot: Spot) -> None:
    """A menu behind three dots. Its entries close it, and so do Esc and a click elsewhere."""
    button = tag("button", "⋯", "bk-button bk-button-quiet bk-overflow", type="button")
    spot.name(button, "More actions")
    button.props["aria-haspopup"] = "menu"
    with tag("div", classes="bk-menu", popover="auto", role="menu") as menu:
        for option in spot.element["options"]:
            _draw_entry(spot, option, button, menu)
    menu.props["aria-labelledby"] = button.html_id
    button.props["popovertarget"] = menu.html_id


def _draw_entry(spot: Spot, option: dict[str, Any], button: ui.element, menu: ui.element) -> None:
    words = mrkdwn.replace_emoji(option["text"]["text"])
    url = option.get("url", "")
    if mrkdwn.is_safe(url):
        link = {"href": url, "target": "_blank", "rel": "noopener noreferrer"}
        entry = tag("a", words, role="menuitem", tabindex="-1", **link)
    else:
        closes = {"popovertarget": menu.html_id, "popovertargetaction": "hide"}
        entry = tag("button", words, type="button", role="menuitem", tabindex="-1", **closes)
    if description := option.get("description"):
        with entry:
            tag("small", description["text"])
    entry.on("click", lambda: spot.act(button, option), args=[])


def _on_press(button: ui.element, spot: Spot, value: Any = None) -> None:
    async def press() -> None:
        if button.props.get("aria-busy") != "true":
            await spot.act(button, value)

    button.on("click", press, args=[])
