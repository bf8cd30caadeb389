"""The page's styles and scripts, which stand in its head."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nicegui import ui

_FOLDER = Path(__file__).parent
# In this order: where two say something of one element, the later one holds.
_STYLES = (
    *("colours", "frame", "sidebar", "messages", "files", "composer", "panels", "narrow"),
    *("text", "blocks", "controls", "fields", "dialogs"),
)
_SCRIPTS = ("page", "uploads", "blocks", "menus")


def add_to_page() -> None:
    """Add them to the page that is being built, once for each page."""
    ui.add_head_html(_head())


@cache
def _head() -> str:
    styles = [(_FOLDER / "styles" / f"{name}.css").read_text("utf-8") for name in _STYLES]
    scripts = [(_FOLDER / f"{name}.js").read_text("utf-8") for name in _SCRIPTS]
    return "".join(
        [f"<style>{text}</style>" for text in styles]
        + [f"<script>{text}</script>" for text in scripts]
    )
