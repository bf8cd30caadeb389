"""Checkboxes and radio buttons."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from bot.playground.page import mrkdwn
from bot.playground.page.elements.spot import Spot
from bot.playground.page.tags import html, tag

_CHECKED = "(event) => emit(event.target.checked)"


def draw_checkboxes(spot: Spot) -> None:
    """A group of checkboxes, ticked as this person's screen has them."""
    ticked = {option["value"] for option in spot.value}
    with _group(spot, "group"):
        for at, option in enumerate(spot.element["options"]):
            box = _draw_option(spot, at, option, "checkbox", option["value"] in ticked)

            async def toggle(
                event: GenericEventArguments,
                option: dict[str, Any] = option,
                box: ui.element = box,
            ) -> None:
                rest = [each for each in spot.value if each["value"] != option["value"]]
                await spot.choose(box, [*rest, option] if event.args else rest)

            box.on("change", toggle, js_handler=_CHECKED)


def draw_radio_buttons(spot: Spot) -> None:
    """A group of radio buttons."""
    chosen = (spot.value or {}).get("value")
    with _group(spot, "radiogroup") as group:
        for at, option in enumerate(spot.element["options"]):
            button = _draw_option(spot, at, option, "radio", option["value"] == chosen)
            button.props["name"] = group.html_id

            async def choose(option: dict[str, Any] = option, button: ui.element = button) -> None:
                await spot.choose(button, option)

            button.on("change", choose, args=[])


def _group(spot: Spot, role: str) -> ui.element:
    group = tag("div", classes="bk-choices", role=role)
    spot.name(group, is_group=True)
    if spot.is_wrong:
        group.classes("is-wrong")
    return group


def _draw_option(
    spot: Spot, at: int, option: dict[str, Any], kind: str, is_chosen: bool
) -> ui.element:
    with tag("label", classes="bk-choice"):
        control = tag("input", type=kind, checked=is_chosen, data_at=f"{spot.key}/{at}")
        if spot.element.get("focus_on_load") and at == 0:
            control.props["data-autofocus"] = ""
        with tag("span"):
            html(mrkdwn.text_html(option["text"], spot.workspace), "span", "bk-text")
            if description := option.get("description"):
                words = mrkdwn.text_html(description, spot.workspace)
                html(words, "small", "bk-text")
    return control
