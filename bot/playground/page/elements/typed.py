"""Fields to type in."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from bot.playground.page.elements.spot import Spot
from bot.playground.page.tags import set_attributes, tag
from bot.playground.visible import visible_texts

_VALUE = "(event) => emit(event.target.value)"
# Enter in a field that tells the app of it does that alone, and submits no form.
_ON_ENTER = "(event) => { event.preventDefault(); event.stopPropagation(); emit(); }"
_PAUSE = 0.4  # seconds of typing between two messages to the app
_LONGEST = 3000
_MODES = {
    "email_text_input": {"type": "email", "inputmode": "email", "autocomplete": "off"},
    "url_text_input": {"type": "url", "inputmode": "url", "autocomplete": "off"},
    "number_input": {"type": "text", "inputmode": "decimal", "autocomplete": "off"},
}


def draw_typed(spot: Spot) -> None:
    """Any of the fields for text, numbers, addresses and rich text (which is typed as plain)."""
    element = spot.element
    shown = _as_text(spot.value)
    is_long = element.get("multiline") or element["type"] == "rich_text_input"
    if is_long:
        rows = max(3, int(element.get("min_lines", 3)))
        control = tag("textarea", shown, "bk-input", rows=rows)
    else:
        mode = _MODES.get(element["type"], {"type": "text", "autocomplete": "off"})
        control = tag("input", classes="bk-input", **mode)
        control.props["^value"] = shown
    spot.name(control, spot.placeholder)
    set_attributes(control, placeholder=spot.placeholder or None)
    if element["type"] == "plain_text_input":
        _draw_counter(spot, control, shown)
    # Entered at once and without waiting: a form that is submitted next must hold it.
    control.on("input", lambda event: spot.enter(event.args or None), js_handler=_VALUE)
    if spot.dispatches:
        _dispatch(spot, control, is_single_line=not is_long)


def _dispatch(spot: Spot, control: ui.element, *, is_single_line: bool) -> None:
    """Tell the app when the element's configuration says so."""
    config = spot.element.get("dispatch_action_config", {})
    triggers = config.get("trigger_actions_on", ["on_enter_pressed"])

    async def send(_event: GenericEventArguments) -> None:
        await spot.act(control, spot.value)

    if "on_enter_pressed" in triggers and is_single_line:
        control.on("keydown.enter", send, js_handler=_ON_ENTER)
    if "on_character_entered" in triggers:
        control.on("input", send, js_handler=_VALUE, throttle=_PAUSE, leading_events=False)


def _draw_counter(spot: Spot, control: ui.element, shown: str) -> None:
    """How many characters are left, from the last tenth on; the page's script keeps it."""
    most = int(spot.element.get("max_length", _LONGEST))
    counter = tag("span", classes="bk-counter", role="status")
    set_attributes(control, data_limit=most, data_counter=counter.html_id)
    if len(shown) > most * 0.9:
        counter.text = str(most - len(shown))


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(visible_texts([value]))
    return str(value or "")
