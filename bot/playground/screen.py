"""What a person has entered on their own screen, and how Slack writes it into state.values."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.playground.errors import JSON
from bot.playground.visible import Placed, placed_elements


@dataclass(frozen=True)
class Stateful:
    """Where an element type keeps its value in payloads, and where its blocks preset it."""

    value: str
    initial: str

    @property
    def is_list(self) -> bool:
        return self.value.endswith("s") or self.value == "files"


STATEFUL = {
    "plain_text_input": Stateful("value", "initial_value"),
    "email_text_input": Stateful("value", "initial_value"),
    "url_text_input": Stateful("value", "initial_value"),
    "number_input": Stateful("value", "initial_value"),
    "rich_text_input": Stateful("rich_text_value", "initial_value"),
    "static_select": Stateful("selected_option", "initial_option"),
    "external_select": Stateful("selected_option", "initial_option"),
    "radio_buttons": Stateful("selected_option", "initial_option"),
    "users_select": Stateful("selected_user", "initial_user"),
    "conversations_select": Stateful("selected_conversation", "initial_conversation"),
    "channels_select": Stateful("selected_channel", "initial_channel"),
    "multi_static_select": Stateful("selected_options", "initial_options"),
    "multi_external_select": Stateful("selected_options", "initial_options"),
    "checkboxes": Stateful("selected_options", "initial_options"),
    "multi_users_select": Stateful("selected_users", "initial_users"),
    "multi_conversations_select": Stateful("selected_conversations", "initial_conversations"),
    "multi_channels_select": Stateful("selected_channels", "initial_channels"),
    "datepicker": Stateful("selected_date", "initial_date"),
    "timepicker": Stateful("selected_time", "initial_time"),
    "datetimepicker": Stateful("selected_date_time", "initial_date_time"),
    "file_input": Stateful("files", ""),
}


@dataclass
class Screen:
    """One person's entries in one message or view.

    As in Slack's clients, what a person entered stays through an update for as long as an
    element with the same block_id and action_id is there, whatever its preset value says.
    """

    entered: dict[tuple[str, str], Any] = field(default_factory=dict)

    def value(self, placed: Placed) -> Any:
        """What the element shows: entered, else preset, else nothing (None or an empty list)."""
        if placed.key in self.entered:
            return self.entered[placed.key]
        kind = STATEFUL[placed.element["type"]]
        empty: list[Any] | None = [] if kind.is_list else None
        return placed.element.get(kind.initial, empty)

    def enter(self, placed: Placed, value: Any) -> None:
        """Set what the element shows."""
        self.entered[placed.key] = value

    def values(self, blocks: Iterable[JSON]) -> JSON:
        """state.values of everything that holds state in these blocks."""
        values: JSON = {}
        for placed in placed_elements(blocks):
            kind = STATEFUL.get(placed.element["type"])
            if kind is not None:
                entry = {"type": placed.element["type"], kind.value: self.value(placed)}
                values.setdefault(placed.block_id, {})[placed.action_id] = copy.deepcopy(entry)
        return values

    def forget_missing(self, blocks: Iterable[JSON]) -> None:
        """Drop entries of elements that are no longer there."""
        keys = {placed.key for placed in placed_elements(blocks)}
        self.entered = {key: value for key, value in self.entered.items() if key in keys}
