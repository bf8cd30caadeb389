"""What a reader sees of blocks: their visible text, and their interactive elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.playground.errors import JSON

# Keys of blocks and elements that hold something shown, in reading order.
_SHOWN = (
    "title",
    "rich_text_title",
    "subtitle",
    "caption",
    "label",
    "text",
    "fields",
    "body",
    "subtext",
    "rows",
    "details",
    "output",
    "sources",
    "tasks",
    "child_blocks",
    "elements",
    "accessory",
    "element",
    "actions",
    "positive_button",
    "negative_button",
    "hint",
)
_MENUS = {"overflow", "static_select", "multi_static_select"}


def visible_texts(blocks: Iterable[Any]) -> Iterator[str]:
    """Every piece of text that is shown without opening a menu, in reading order."""
    for part in blocks:
        yield from _texts(part)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        if part:
            yield part
    elif isinstance(part, list):
        yield from visible_texts(part)
    elif isinstance(part, dict):
        kind = part.get("type")
        if kind in ("rich_text_section", "rich_text_preformatted", "rich_text_quote"):
            yield "".join(_inline(element) for element in part.get("elements", ()))
            return
        if kind == "raw_number":
            yield str(part.get("text") or part.get("value", ""))
            return
        for key in _SHOWN:
            if key in part:
                yield from _texts(part[key])
        if kind in ("checkboxes", "radio_buttons"):
            for option in part.get("options", ()):
                yield from _texts(option.get("text"))
                yield from _texts(option.get("description"))
        elif kind in _MENUS or "placeholder" in part:
            yield from _texts(part.get("placeholder"))


def _inline(element: JSON) -> str:
    kind = element.get("type")
    if kind == "text":
        return str(element.get("text", ""))
    if kind == "link":
        return str(element.get("text") or element.get("url", ""))
    if kind == "emoji":
        return f":{element.get('name')}:"
    if kind == "user":
        return f"<@{element.get('user_id')}>"
    if kind == "channel":
        return f"<#{element.get('channel_id')}>"
    if kind == "usergroup":
        return f"<!subteam^{element.get('usergroup_id')}>"
    if kind == "broadcast":
        return f"<!{element.get('range')}>"
    return str(element.get("fallback") or element.get("value") or "")


@dataclass(frozen=True)
class Placed:
    """An interactive element where it stands: its block, and that block's label if it has one."""

    block: JSON
    element: JSON

    @property
    def block_id(self) -> str:
        return str(self.block.get("block_id", ""))

    @property
    def action_id(self) -> str:
        return str(self.element.get("action_id", ""))

    @property
    def key(self) -> tuple[str, str]:
        """How state and actions name the element."""
        return self.block_id, self.action_id

    @property
    def label(self) -> str:
        """The words on the element: a button's text, or the label of its input block."""
        text = self.element.get("text") or self.block.get("label") or {}
        return str(text.get("text", "")) if isinstance(text, dict) else str(text)


def placed_elements(blocks: Iterable[JSON]) -> Iterator[Placed]:
    """Every element with an action_id, with the block it belongs to, nested blocks included."""
    for block in blocks:
        for key in ("accessory", "element"):
            if isinstance(block.get(key), dict):
                yield from _actionable(block, [block[key]])
        for key in ("elements", "actions"):
            if isinstance(block.get(key), list):
                yield from _actionable(block, block[key])
        yield from placed_elements(block.get("child_blocks", ()))
        if block.get("type") == "carousel":
            yield from placed_elements(block.get("elements", ()))


def _actionable(block: JSON, elements: list[JSON]) -> Iterator[Placed]:
    for element in elements:
        if "action_id" in element and element.get("type") != "card":
            yield Placed(block, element)
