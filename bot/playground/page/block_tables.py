"""Drawing the two blocks that are tables."""

from __future__ import annotations

from html import escape

from bot.playground.errors import JSON
from bot.playground.page import mrkdwn, rich_text
from bot.playground.page.block_parts import Scene
from bot.playground.page.tags import html


def draw_table(block: JSON, scene: Scene) -> None:
    """A table whose first row is its head, as Slack shows it."""
    settings = block.get("column_settings", [])
    rows = [
        _row(row, scene, "th" if at == 0 else "td", settings)
        for at, row in enumerate(block["rows"])
    ]
    html(f"<table>{''.join(rows)}</table>", classes="bk-table")


def draw_data_table(block: JSON, scene: Scene) -> None:
    """A table with a caption, a head, and perhaps a column that heads its rows."""
    head, *body = block["rows"]
    header_column = block.get("row_header_column_index")
    rows = [_row(head, scene, "th", [])]
    rows += [_row(row, scene, "td", [], header_column) for row in body]
    caption = mrkdwn.plain_to_html(block["caption"])
    html(f"<table><caption>{caption}</caption>{''.join(rows)}</table>", classes="bk-table")


def _row(
    cells: list[JSON], scene: Scene, name: str, settings: list[JSON], header: int | None = None
) -> str:
    shown = []
    for at, cell in enumerate(cells):
        setting = settings[at] if at < len(settings) else {}
        own = "th" if at == header else name
        scope = ' scope="row"' if at == header else ' scope="col"' if own == "th" else ""
        align = setting.get("align") or ("right" if cell["type"] == "raw_number" else "left")
        wrap = " bk-wrapped" if setting.get("is_wrapped") else ""
        classes = f'class="bk-{align}{wrap}"'
        shown.append(f"<{own}{scope} {classes}>{_cell(cell, scene)}</{own}>")
    return f"<tr>{''.join(shown)}</tr>"


def _cell(cell: JSON, scene: Scene) -> str:
    if cell["type"] == "rich_text":
        return rich_text.to_html(cell, scene.workspace)
    if cell["type"] == "raw_number":
        return escape(str(cell.get("text") or cell["value"]))
    return mrkdwn.plain_to_html(cell["text"])
