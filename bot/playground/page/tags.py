"""HTML's own elements on a NiceGUI page: they bring keyboard use and accessible names along."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement


def tag(name: str, /, text: str = "", classes: str = "", **attributes: Any) -> TextElement:
    """Put an element into the current slot.

    Attributes are named as in HTML with `_` for `-` and a trailing `_` where Python reserves the
    word (`for_`, `class` is `classes`); those that are None or False are left out, `aria_…`
    apart, which are written out as "true" and "false".
    """
    element = TextElement(tag=name, text=text)
    set_attributes(element, **attributes)
    if classes:
        element.classes(classes)
    return element


def set_attributes(element: ui.element, **attributes: Any) -> None:
    """Set or, with None, take away attributes of an element."""
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if name.startswith("aria-") and isinstance(value, bool):
            element.props[name] = "true" if value else "false"
        elif value is None or value is False:
            element.props.pop(name, None)
        else:
            element.props[name] = value


def html(content: str, name: str = "div", classes: str = "") -> ui.html:
    """Put HTML that is already escaped into the current slot, inside an element `name`."""
    element = ui.html(content, sanitize=False, tag=name)
    if classes:
        element.classes(classes)
    return element
