"""Links that move within the page, and open a new tab where people ask for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from bot.playground.page.tags import tag

_FOLLOW = (
    "(event) => { if (event.ctrlKey || event.metaKey || event.shiftKey) return;"
    " event.preventDefault(); emit(); }"
)


def inner_link(href: str, follow: Callable[[], None], classes: str = "", **more: Any) -> ui.element:
    """A link whose plain click calls `follow` instead of loading the page anew."""
    element = tag("a", classes=classes, href=href, **more)
    element.on("click", lambda: follow(), js_handler=_FOLLOW)
    return element


def icon_button(icon: str, label: str, pressed: Callable[[], Any], classes: str = "") -> ui.element:
    """A button that shows only an icon; `label` is its name and tooltip."""
    element = tag("button", classes=f"icon-button {classes}", type="button", title=label)
    element.props["aria-label"] = label
    element.on("click", lambda: pressed())
    with element:
        ui.icon(icon).props('aria-hidden="true"')
    return element
