"""The styles and the script that blocks, modals and Home need in the browser."""

from __future__ import annotations

from pathlib import Path

from nicegui import ui

_FOLDER = Path(__file__).parent


def add_to_page() -> None:
    """Add them to the page that is being built, once for each page."""
    ui.add_css(_FOLDER / "blocks.css")
    script = (_FOLDER / "blocks.js").read_text(encoding="utf-8")
    ui.add_head_html(f"<script>{script}</script>")
