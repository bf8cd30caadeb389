"""Menus to choose one thing from: the browser's own select."""

from __future__ import annotations

from typing import Any

from nicegui.events import GenericEventArguments

from bot.playground.page.elements.options import Option, groups_of
from bot.playground.page.elements.spot import Spot
from bot.playground.page.mrkdwn import replace_emoji
from bot.playground.page.tags import tag


def draw_select(spot: Spot) -> None:
    """A select of options, people, conversations or channels."""
    groups = groups_of(spot)
    options = [option for group in groups for option in group.options]
    value = spot.value
    control = tag("select", classes="bk-select")
    spot.name(control, spot.placeholder or "Choose")
    with control:
        words = spot.placeholder or "Choose"
        # What must be filled in can be left empty at first, but not emptied again.
        is_fixed = not spot.is_optional or spot.placed.block.get("type") != "input"
        tag("option", words, value="", selected=value is None, disabled=is_fixed)
        at = 0
        for group in groups:
            if group.label:
                with tag("optgroup", label=group.label):
                    at = _draw_options(group.options, at, value)
            else:
                at = _draw_options(group.options, at, value)

    async def choose(event: GenericEventArguments) -> None:
        chosen = options[int(event.args)].value if event.args else None
        await spot.choose(control, chosen)

    control.on("change", choose, js_handler="(event) => emit(event.target.value)")


def _draw_options(options: list[Option], at: int, value: Any) -> int:
    """Draw options numbered from `at`; returns the next number."""
    for option in options:
        words = replace_emoji(option.words)
        tag("option", words, value=str(at), selected=option.is_chosen(value))
        at += 1
    return at
