"""Which drawing belongs to which element."""

from __future__ import annotations

from collections.abc import Callable

from bot.playground.page.elements.buttons import (
    draw_button,
    draw_feedback,
    draw_icon_button,
    draw_overflow,
)
from bot.playground.page.elements.choices import draw_checkboxes, draw_radio_buttons
from bot.playground.page.elements.file_inputs import draw_file_input
from bot.playground.page.elements.menus import draw_select
from bot.playground.page.elements.pickers import (
    draw_datepicker,
    draw_datetimepicker,
    draw_timepicker,
)
from bot.playground.page.elements.search import draw_search
from bot.playground.page.elements.spot import Spot
from bot.playground.page.elements.typed import draw_typed

_DRAW: dict[str, Callable[[Spot], None]] = {
    "button": draw_button,
    "workflow_button": draw_button,
    "icon_button": draw_icon_button,
    "feedback_buttons": draw_feedback,
    "overflow": draw_overflow,
    "checkboxes": draw_checkboxes,
    "radio_buttons": draw_radio_buttons,
    "static_select": draw_select,
    "users_select": draw_select,
    "conversations_select": draw_select,
    "channels_select": draw_select,
    "external_select": draw_search,
    "multi_static_select": draw_search,
    "multi_external_select": draw_search,
    "multi_users_select": draw_search,
    "multi_conversations_select": draw_search,
    "multi_channels_select": draw_search,
    "datepicker": draw_datepicker,
    "timepicker": draw_timepicker,
    "datetimepicker": draw_datetimepicker,
    "plain_text_input": draw_typed,
    "email_text_input": draw_typed,
    "url_text_input": draw_typed,
    "number_input": draw_typed,
    "rich_text_input": draw_typed,
    "file_input": draw_file_input,
}


def draw_element(spot: Spot) -> None:
    """Draw an interactive element into the current slot, unless it is meant for others."""
    if spot.tab.person.id in spot.element.get("visible_to_user_ids", [spot.tab.person.id]):
        _DRAW[spot.element["type"]](spot)
