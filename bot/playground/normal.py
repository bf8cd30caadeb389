"""What Slack fills in when it stores blocks: missing IDs, and the defaults of text objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.playground.errors import JSON

_ACTIONABLE = {
    "button",
    "workflow_button",
    "overflow",
    "checkboxes",
    "radio_buttons",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "file_input",
    "feedback_buttons",
    "icon_button",
}


def stored_blocks(blocks: list[JSON], new_id: Callable[[str], str]) -> list[JSON]:
    """A copy of valid blocks as Slack gives them back, every block and element with its ID."""
    return [_block(block, new_id) for block in blocks]


def _block(block: JSON, new_id: Callable[[str], str]) -> JSON:
    stored: JSON = _filled(block, new_id)
    stored.setdefault("block_id", new_id("b"))
    if "child_blocks" in stored:
        stored["child_blocks"] = [_block(child, new_id) for child in stored["child_blocks"]]
    return stored


def _filled(value: Any, new_id: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_filled(item, new_id) for item in value]
    if not isinstance(value, dict):
        return value
    filled = {key: _filled(item, new_id) for key, item in value.items()}
    kind = filled.get("type")
    if kind == "mrkdwn":
        filled.setdefault("verbatim", False)
    elif kind == "plain_text":
        filled.setdefault("emoji", True)
    elif isinstance(kind, str) and _takes_action_id(kind):
        filled.setdefault("action_id", new_id("a"))
    return filled


def _takes_action_id(kind: str) -> bool:
    return kind in _ACTIONABLE or kind.endswith(("_select", "_input"))
