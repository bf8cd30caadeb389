"""Drawing the younger blocks: alerts, cards, tasks and plans."""

from __future__ import annotations

from html import escape

from bot.playground.errors import JSON
from bot.playground.page import mrkdwn, rich_text
from bot.playground.page.block_parts import Scene, draw_image, draw_text
from bot.playground.page.tags import html, tag

_LEVELS = {"info": "ℹ️", "warning": "⚠️", "error": "🔴", "success": "✅"}
_STATUS = {"in_progress": "🔵", "complete": "✅", "error": "🔴"}
_STATUS_WORDS = {"in_progress": "in progress", "complete": "done", "error": "failed"}


def draw_alert(block: JSON, scene: Scene) -> None:
    """A notice in a modal."""
    level = block.get("level", "default")
    with tag("div", classes=f"bk-alert bk-alert-{level}", role="note"):
        if sign := _LEVELS.get(level):
            tag("span", sign, aria_hidden=True)
        draw_text(block["text"], scene)


def draw_card(block: JSON, scene: Scene) -> None:
    """A card with a picture, a few texts and buttons."""
    with tag("div", classes="bk-card"):
        if hero := block.get("hero_image"):
            draw_image(hero, scene, "bk-picture")
        with tag("div", classes="bk-row"):
            if icon := block.get("icon"):
                draw_image(icon, scene, "bk-icon")
            if title := block.get("title"):
                draw_text(title, scene, "b")
        for part, name in (("subtitle", "small"), ("body", "div"), ("subtext", "small")):
            if text := block.get(part):
                draw_text(text, scene, name)
        if actions := block.get("actions"):
            with tag("div", classes="bk-row"):
                for element in actions:
                    scene.draw(block, element)


def draw_task(block: JSON, scene: Scene) -> None:
    """A task with its state, in a sign and in words."""
    status = block.get("status", "pending")
    with tag("div", classes="bk-card"):
        sign = _STATUS.get(status, "⚪")
        words = _STATUS_WORDS.get(status, "waiting")
        html(f"{sign} <b>{mrkdwn.plain_to_html(block['title'])}</b> · {words}", classes="bk-text")
        for part in ("details", "output"):
            if text := block.get(part):
                html(rich_text.to_html(text, scene.workspace), classes="bk-text bk-rich")
        for source in block.get("sources", ()):
            html(mrkdwn.link(source["url"], escape(source["text"])), "small", "bk-text")


def draw_plan(block: JSON, scene: Scene) -> None:
    """A titled list of tasks."""
    with tag("section", classes="bk-container"):
        with tag("header"):
            tag("b", mrkdwn.replace_emoji(block["title"]))
        for task in block.get("tasks", ()):
            draw_task(task, scene)
