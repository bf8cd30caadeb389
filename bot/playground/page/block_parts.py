"""What all blocks are drawn with: the scene they stand in, texts, pictures and elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from bot.playground.errors import JSON
from bot.playground.interactions import Surface
from bot.playground.page import mrkdwn
from bot.playground.page.elements.drawing import draw_element
from bot.playground.page.elements.spot import Spot
from bot.playground.page.routes import file_url
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag
from bot.playground.visible import Placed
from bot.playground.workspace import Workspace


@dataclass(frozen=True)
class Scene:
    """Where a block is drawn. `error` is what is wrong with its input; see Spot for the rest."""

    tab: Tab
    current: Callable[[], Surface]
    redraw: Callable[[], None]
    error: str = ""

    @property
    def workspace(self) -> Workspace:
        return self.tab.slack.workspace

    def draw(self, block: JSON, element: JSON) -> None:
        """Draw one of the block's elements, interactive or an image."""
        if element["type"] == "image":
            draw_image(element, self, "bk-thumbnail")
        else:
            draw_element(Spot(Placed(block, element), self.tab, self.current, self.redraw))

    def draw_input(self, block: JSON, label: TextElement, notes: list[ui.element]) -> None:
        """Draw the element of an input block, named by its label."""
        placed = Placed(block, block["element"])
        is_wrong = bool(self.error)
        draw_element(
            Spot(placed, self.tab, self.current, self.redraw, label, notes, is_wrong=is_wrong)
        )


def draw_text(text: JSON, scene: Scene, name: str = "div", classes: str = "") -> ui.element:
    """Draw a text object."""
    return html(mrkdwn.text_html(text, scene.workspace), name, f"bk-text {classes}".strip())


def draw_image(image: JSON, scene: Scene, classes: str) -> None:
    """Draw a picture, of the web or an uploaded file; its alt text where it cannot be had."""
    source = _source(image, scene)
    if not source:
        html(escape(image["alt_text"]), "span", "bk-no-image")
        return
    tag("img", classes=classes, src=source, alt=image["alt_text"], title=image["alt_text"])


def _source(image: JSON, scene: Scene) -> str:
    if file := image.get("slack_file"):
        file_id = file.get("id") or _file_id(file["url"])
        return file_url(file_id)
    url = str(image.get("image_url", ""))
    return url if mrkdwn.is_safe(url) else ""


def _file_id(url: str) -> str:
    """The ID in a file's url_private or permalink."""
    for part in url.split("/")[::-1]:
        candidate = part.rpartition("-")[2]
        if candidate.startswith("F") and candidate.isalnum() and candidate.isupper():
            return candidate
    return ""
