"""Finding an element the way a person would, and what choosing something in it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.playground.errors import JSON
from bot.playground.files import File
from bot.playground.screen import STATEFUL
from bot.playground.visible import Placed, placed_elements
from bot.playground.workspace import Workspace

BUTTONS = {"button", "icon_button", "workflow_button"}


def find_element(
    blocks: Iterable[JSON], viewer: str, reference: str, kinds: Iterable[str] | None = None
) -> Placed:
    """The one element with this action_id, label or block_id that the viewer sees.

    Raises LookupError if there is none, or more than one, naming what there is.
    """
    seen = [each for each in _visible(blocks, viewer) if _is_kind(each, kinds)]
    for name in ("action_id", "label", "block_id"):
        hits = [each for each in seen if getattr(each, name) == reference]
        if len(hits) > 1:
            places = ", ".join(each.block_id for each in hits)
            raise LookupError(f"{reference!r} is in several blocks: {places}")
        if hits:
            return hits[0]
    there = ", ".join(repr(each.label or each.action_id) for each in seen) or "nothing"
    raise LookupError(f"no {reference!r} to be seen; there is {there}")


def find_checkbox(
    blocks: Iterable[JSON], viewer: str, reference: str, value: str | None
) -> tuple[Placed, JSON]:
    """A checkboxes element and one of its options.

    `reference` is a block_id, an action_id, or part of the words of just one option; `value`
    is the option's value or words, needed only where the element has several options.
    Raises LookupError.
    """
    boxes = [
        (each, option)
        for each in _visible(blocks, viewer)
        if each.element["type"] == "checkboxes"
        for option in each.element["options"]
    ]
    hits = [each for each in boxes if reference in each[0].key]
    hits = hits or [each for each in boxes if reference in each[1]["text"]["text"]]
    if value is not None:
        hits = [each for each in hits if value in (each[1]["value"], each[1]["text"]["text"])]
    if len(hits) == 1:
        return hits[0]
    there = ", ".join(repr(option["text"]["text"]) for _, option in boxes) or "no checkbox"
    raise LookupError(f"{reference!r} names {len(hits)} checkboxes; there are {there}")


def find_option(element: JSON, wanted: str) -> JSON:
    """An element's option by its words or its value. Raises LookupError."""
    options = list(element.get("options", ()))
    for group in element.get("option_groups", ()):
        options += group["options"]
    for option in options:
        if wanted in (option["text"]["text"], option["value"]):
            found: JSON = option
            return found
    there = ", ".join(repr(option["text"]["text"]) for option in options) or "nothing"
    raise LookupError(f"no option {wanted!r}; there is {there}")


def action_json(placed: Placed, value: Any = None) -> JSON:
    """An entry of `actions` for this element, with what was chosen in it."""
    element = placed.element
    action = {"type": element["type"], "action_id": placed.action_id, "block_id": placed.block_id}
    if element["type"] in STATEFUL:
        return {**action, STATEFUL[element["type"]].value: value}
    if element["type"] in ("overflow", "feedback_buttons"):
        return {**action, "selected_option": value}
    if "text" in element:
        action["text"] = element["text"]
    if "value" in element:
        action["value"] = element["value"]
    return action


def entered_value(placed: Placed, raw: Any, workspace: Workspace) -> Any:
    """What a stateful element holds after a person entered `raw`.

    `raw` is typed text; an option's words or value; a person's or channel's ID or name; a date
    or time as Slack writes it; a File; or a list of these where several can be chosen. True
    and False tick all checkboxes or none. Raises LookupError for what cannot be chosen.
    """
    element = placed.element
    kind = STATEFUL[element["type"]]
    if raw is None:
        return [] if kind.is_list else None
    if kind.is_list:
        if isinstance(raw, bool):
            return list(element["options"]) if raw else []
        items = raw if isinstance(raw, (list, tuple)) else [raw]
        return [_single(kind.value.removesuffix("s"), element, item, workspace) for item in items]
    return _single(kind.value, element, raw, workspace)


def _single(value_key: str, element: JSON, raw: Any, workspace: Workspace) -> Any:
    if value_key == "selected_option":
        return raw if isinstance(raw, dict) else find_option(element, str(raw))
    if value_key == "selected_user":
        return workspace.find_person(str(raw)).id
    if value_key in ("selected_channel", "selected_conversation"):
        return workspace.find_channel(raw).id
    if value_key == "selected_date_time":
        return int(raw)
    if value_key == "rich_text_value":
        return raw if isinstance(raw, dict) else _rich_text(str(raw))
    if value_key == "file":
        return {"id": raw.id, "name": raw.name} if isinstance(raw, File) else raw
    return str(raw)


def _rich_text(text: str) -> JSON:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def _visible(blocks: Iterable[JSON], viewer: str) -> list[Placed]:
    return [
        each
        for each in placed_elements(blocks)
        if viewer in each.element.get("visible_to_user_ids", [viewer])
    ]


def _is_kind(placed: Placed, kinds: Iterable[str] | None) -> bool:
    return kinds is None or placed.element["type"] in kinds
