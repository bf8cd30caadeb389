"""One message as people see it: who, when, what, and what hangs on it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from html import escape

from nicegui.logging import log

from bot.playground.message import Message
from bot.playground.page import mrkdwn
from bot.playground.page.attachments import draw_attachments, draw_files
from bot.playground.page.blocks import Drawing
from bot.playground.page.keyed_list import Update
from bot.playground.page.links import icon_button
from bot.playground.page.names import author_name, avatar
from bot.playground.page.reactions import QUICK, Reactions, toggle
from bot.playground.page.rows import Row
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag
from bot.playground.page.thread_bar import ThreadBar

_ONLY_YOU = '<i class="q-icon material-icons" aria-hidden="true">visibility</i> Only visible to you'


def draw_row(row: Row, tab: Tab, *, in_thread: bool = False) -> Update[Row]:
    """Draw a row into the current slot; the function returned brings later versions in."""
    return _DrawnRow(row, tab, in_thread=in_thread).update


class _DrawnRow:
    def __init__(self, row: Row, tab: Tab, *, in_thread: bool) -> None:
        self._row = row
        self._tab = tab
        self._drawing: Drawing | None = None
        message = row.message
        if row.day:
            html(f"<span>{escape(row.day)}</span>", "div", "day")
        if row.is_first_new:
            html("<span>New</span>", "div", "first-new")
        author = author_name(tab.workspace, message)
        spoken = f"{author}, {tab.times.clock(message.ts)}"
        # Focusable by touch: that is how its tools are shown where no pointer hovers.
        with tag("article", "", _looks(row), tabindex="-1", data_ts=message.ts, aria_label=spoken):
            self._draw_gutter(author)
            with tag("div", classes="message-body"):
                if message.ephemeral_for:
                    html(_ONLY_YOU, "div", "only-you")
                if not row.is_grouped:
                    self._draw_byline(author)
                self._draw_content()
                self._reactions = Reactions(message, tab)
                self._thread = ThreadBar(message, tab)
                self._thread.show(row.thread)
            if not message.ephemeral_for and message.subtype != "tombstone":
                _draw_tools(message, tab, in_thread=in_thread)

    def update(self, new: Row) -> bool:
        """Take in what changed in blocks, reactions and thread; False where more changed."""
        old, self._row = self._row, new
        if replace(new, message=old.message, thread=old.thread) != old:
            return False
        if new.message is not old.message and not self._take_message(old.message, new.message):
            return False
        self._thread.show(new.thread)
        return True

    def _take_message(self, old: Message, new: Message) -> bool:
        if _lasting(old) != _lasting(new):
            return False
        self._reactions.show(new)
        if old.blocks is new.blocks and old.text == new.text:
            return True  # a reaction is no edit
        if self._drawing is None or not new.blocks:
            return False
        try:
            self._drawing.show(new)
        except Exception:  # noqa: BLE001 - one message that cannot be drawn must not hide the others
            log.exception("The new blocks of a message could not be drawn")
            return False
        return True

    def _draw_gutter(self, author: str) -> None:
        message = self._row.message
        if self._row.is_grouped:
            html(self._tab.times.html(message.ts), "div", "gutter gutter-time")
        else:
            html(avatar(author, is_app=message.bot_id is not None), "div", "gutter")

    def _draw_byline(self, author: str) -> None:
        message = self._row.message
        badge = '<span class="badge">APP</span>' if message.bot_id else ""
        time = self._tab.times.html(message.ts)
        html(f'<b class="author">{escape(author)}</b>{badge}{time}', "div", "byline")

    def _draw_content(self) -> None:
        message, workspace = self._row.message, self._tab.workspace
        if message.subtype == "tombstone":
            tag("div", "This message was deleted.", classes="gone")
            return
        if message.blocks:
            with tag("div", classes="content"):
                self._draw_blocks(message)
        elif message.text:
            html(mrkdwn.to_html(message.text, workspace), "div", "content text")
        if message.edited:
            html("(edited)", "span", "edited")
        draw_attachments(message, self._tab)
        draw_files(message, self._tab)

    def _draw_blocks(self, message: Message) -> None:
        try:
            self._drawing = Drawing(message, self._tab)
        except Exception:  # noqa: BLE001 - one message that cannot be drawn must not hide the others
            log.exception("The blocks of a message could not be drawn")
            tag("div", message.plain, classes="text")


def _looks(row: Row) -> str:
    grouped = " grouped" if row.is_grouped else ""
    return f"message{grouped}{' ephemeral' if row.message.ephemeral_for else ''}"


def _lasting(message: Message) -> tuple[object, ...]:
    """What is drawn once: where it differs, the whole message is drawn anew."""
    return message.files, message.attachments, message.edited, message.subtype, message.username


def _draw_tools(message: Message, tab: Tab, *, in_thread: bool) -> None:
    with tag("div", classes="tools", role="group", aria_label="Message actions"):
        for name, sign in QUICK.items():
            label = f"React with {name.replace('_', ' ')}"
            button = tag("button", sign, type="button", title=label, aria_label=label)
            button.on("click", partial(toggle, tab, message, name))
        if not in_thread:
            root = message.thread_ts or message.ts
            icon_button(
                "chat_bubble_outline",
                "Reply in thread",
                lambda: tab.go(tab.place.with_thread(root)),
            )
