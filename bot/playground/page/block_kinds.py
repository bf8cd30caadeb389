"""Drawing each kind of layout block."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from nicegui import ui

from bot.playground.errors import JSON
from bot.playground.page import markdown, mrkdwn, rich_text
from bot.playground.page.block_parts import Scene, draw_image, draw_text
from bot.playground.page.block_tables import draw_data_table, draw_table
from bot.playground.page.newer_blocks import (
    draw_alert,
    draw_card,
    draw_plan,
    draw_task,
)
from bot.playground.page.tags import html, set_attributes, tag

Draw = Callable[[JSON, Scene], None]


def draw_block(block: JSON, scene: Scene) -> None:
    """Draw a block into the current slot."""
    _DRAW[block["type"]](block, scene)


def _draw_header(block: JSON, scene: Scene) -> None:
    draw_text(block["text"], scene, "h3", "bk-header")


def _draw_divider(_block: JSON, _scene: Scene) -> None:
    tag("hr", classes="bk-divider")


def _draw_section(block: JSON, scene: Scene) -> None:
    with tag("div", classes="bk-section"):
        with tag("div", classes="bk-section-main"):
            if text := block.get("text"):
                draw_text(text, scene)
            if fields := block.get("fields"):
                with tag("div", classes="bk-fields"):
                    for field in fields:
                        draw_text(field, scene)
        if accessory := block.get("accessory"):
            with tag("div", classes="bk-accessory"):
                scene.draw(block, accessory)


def _draw_context(block: JSON, scene: Scene) -> None:
    with tag("div", classes="bk-context"):
        for element in block["elements"]:
            if element["type"] == "image":
                draw_image(element, scene, "bk-icon")
            else:
                draw_text(element, scene, "span")


def _draw_elements(block: JSON, scene: Scene) -> None:
    with tag("div", classes="bk-row"):
        for element in block["elements"]:
            scene.draw(block, element)


def _draw_image_block(block: JSON, scene: Scene) -> None:
    with tag("figure", classes="bk-figure"):
        if title := block.get("title"):
            draw_text(title, scene, "figcaption")
        draw_image(block, scene, "bk-picture")


def _draw_input(block: JSON, scene: Scene) -> None:
    kind = block["element"]["type"]
    is_group = kind in ("checkboxes", "radio_buttons")
    with tag("div", classes="bk-field" + (" is-wrong" if scene.error else "")):
        label = tag("span" if is_group else "label", classes="bk-label")
        with label:
            draw_text(block["label"], scene, "span")
            if block.get("optional"):
                tag("span", "(optional)", "bk-optional")
        holder = tag("div", classes="bk-control")
        notes: list[ui.element] = []
        if scene.error:
            error = tag("p", scene.error, "bk-error")
            set_attributes(error, data_error=block["block_id"])
            notes.append(error)
        if hint := block.get("hint"):
            notes.append(draw_text(hint, scene, "p", "bk-hint"))
        with holder:
            scene.draw_input(block, label, notes)


def _draw_rich_text(block: JSON, scene: Scene) -> None:
    html(rich_text.to_html(block, scene.workspace), classes="bk-text bk-rich")


def _draw_markdown(block: JSON, _scene: Scene) -> None:
    ui.html(markdown.to_html(block["text"])).classes("bk-text bk-rich bk-markdown")


def _draw_video(block: JSON, scene: Scene) -> None:
    title = mrkdwn.text_html(block["title"], scene.workspace)
    about = [block.get("author_name"), block.get("provider_name")]
    with tag("div", classes="bk-card"):
        html(
            mrkdwn.link(block.get("title_url") or block["video_url"], f"▶ {title}"), "b", "bk-text"
        )
        if any(about):
            tag("small", " · ".join(filter(None, about)))
        if description := block.get("description"):
            draw_text(description, scene)
        image = {"image_url": block["thumbnail_url"], "alt_text": block["alt_text"]}
        draw_image(image, scene, "bk-picture")


def _draw_file(block: JSON, _scene: Scene) -> None:
    html(f"📄 Remote file {escape(block['external_id'])}", classes="bk-card")


def _draw_carousel(block: JSON, scene: Scene) -> None:
    with tag("div", classes="bk-carousel", role="group", tabindex="0", aria_label="Cards"):
        for card in block["elements"]:
            draw_card(card, scene)


def _draw_container(block: JSON, scene: Scene) -> None:
    is_collapsible = block.get("is_collapsible", False)
    is_open = not (is_collapsible and block.get("default_collapsed"))
    width = block.get("width", "standard")
    with tag(
        "details" if is_collapsible else "section",
        classes=f"bk-container bk-container-{width}",
        open=is_open if is_collapsible else None,
    ):
        with tag("summary" if is_collapsible else "header"):
            if icon := block.get("icon"):
                draw_image(icon, scene, "bk-icon")
            if title := block.get("title"):
                draw_text(title, scene, "b")
            else:
                html(rich_text.to_html(block["rich_text_title"], scene.workspace), "b", "bk-text")
            if subtitle := block.get("subtitle"):
                draw_text(subtitle, scene, "small")
        if block.get("has_header_divider"):
            _draw_divider(block, scene)
        for child in block["child_blocks"]:
            with tag("div", classes="bk-block"):
                draw_block(child, scene)


_DRAW: dict[str, Draw] = {
    "header": _draw_header,
    "divider": _draw_divider,
    "section": _draw_section,
    "context": _draw_context,
    "actions": _draw_elements,
    "context_actions": _draw_elements,
    "image": _draw_image_block,
    "input": _draw_input,
    "rich_text": _draw_rich_text,
    "markdown": _draw_markdown,
    "video": _draw_video,
    "file": _draw_file,
    "table": draw_table,
    "data_table": draw_data_table,
    "card": draw_card,
    "carousel": _draw_carousel,
    "container": _draw_container,
    "alert": draw_alert,
    "task_card": draw_task,
    "plan": draw_plan,
}
