"""What comes with a message: uploaded files, and the older kind of attachment."""

from __future__ import annotations

from html import escape

from bot.playground.errors import JSON, SlackError
from bot.playground.message import Message
from bot.playground.page import mrkdwn
from bot.playground.page.names import file_size
from bot.playground.page.routes import file_url, is_picture
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag

PREVIEW_LINES = 6
PREVIEW_BYTES = 2000


def draw_files(message: Message, tab: Tab) -> None:
    """Pictures as such, anything else as a card to save, with the first lines of what is text."""
    if message.files:
        with tag("div", classes="files"):
            for file in message.files:
                _file(file, tab)


def _file(file: JSON, tab: Tab) -> None:
    name, url = str(file["name"]), file_url(str(file["id"]))
    size = file_size(int(file["size"]))
    with tag("figure", classes="file"):
        if is_picture(name):
            with tag("a", href=url, target="_blank", classes="picture"):
                tag("img", src=url, alt=str(file.get("alt_txt") or file["title"]), loading="lazy")
        elif preview := _preview(str(file["id"]), tab):
            tag("pre", preview)
        with tag("figcaption"):
            tag("span", str(file["title"]), classes="file-title")
            tag("span", size, classes="file-size")
            tag("a", "Download", href=url, download=name, aria_label=f"Download {name}, {size}")


def _preview(file_id: str, tab: Tab) -> str:
    """The first lines of a text file; nothing for what is none."""
    try:
        start = tab.slack.file_bytes(file_id)[:PREVIEW_BYTES]
    except SlackError:  # deleted since
        return ""
    text = start.decode(errors="ignore")
    is_text = b"\0" not in start and len(text.encode()) > len(start) - 4
    return "\n".join(text.splitlines()[:PREVIEW_LINES]) if is_text else ""


def draw_attachments(message: Message, tab: Tab) -> None:
    """Attachments with their bar, title, text and fields."""
    for each in message.attachments:
        colour = str(each.get("color") or "")
        style = (
            f"border-color: {colour}" if colour.startswith("#") and colour[1:].isalnum() else None
        )
        with tag("div", classes="attachment", style=style):
            html(_attachment(each, tab))


def _attachment(attachment: JSON, tab: Tab) -> str:
    def shown(text: object) -> str:
        return mrkdwn.to_html(str(text), tab.workspace)

    title = escape(str(attachment.get("title", "")))
    footer = escape(str(attachment.get("footer", "")))
    fields = [
        f"<b>{escape(str(each.get('title', '')))}</b><br>{shown(each.get('value', ''))}"
        for each in attachment.get("fields", ())
    ]
    parts = [
        shown(attachment.get("pretext", "")),
        f"<b>{title}</b>" if title else "",
        shown(attachment.get("text") or attachment.get("fallback") or ""),
        *fields,
        f"<small>{footer}</small>" if footer else "",
    ]
    return "".join(f"<div>{part}</div>" for part in parts if part)
