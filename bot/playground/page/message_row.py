"""One message as people see it: who, when, what, and what hangs on it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from html import escape

from nicegui.logging import log

from bot.playground.message import Message
from bot.playground.page import blocks, mrkdwn
from bot.playground.page.attachments import draw_attachments, draw_files
from bot.playground.page.blocks import Drawing
from bot.playground.page.keyed_list import Update
from bot.playground.page.links import icon_button
from bot.playground.page.names import (
    author_name,
    avatar,
    clock_time,
    day_name,
    display_name,
    moment,
)
from bot.playground.page.reactions import QUICK, draw_reactions, toggle
from bot.playground.page.rows import Row, Thread
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag


def draw_row(row: Row, tab: Tab, *, in_thread: bool = False) -> Update[Row]:
    """Draw a row into the current slot.

    The function returned brings a later version in, if only its blocks differ.
    """
    message = row.message
    drawing: Drawing | None = None
    if row.day:
        html(f"<span>{escape(row.day)}</span>", "div", "day")
    if row.is_first_new:
        html("<span>New</span>", "div", "first-new")
    looks = "message" + (" grouped" if row.is_grouped else "")
    looks += " ephemeral" if message.ephemeral_for else ""
    author = author_name(tab.workspace, message)
    with tag(
        "article", classes=looks, data_ts=message.ts, aria_label=_spoken(author, message, tab)
    ):
        _gutter(row, author, tab)
        with tag("div", classes="message-body"):
            if message.ephemeral_for:
                html(_ONLY_YOU, "div", "only-you")
            if not row.is_grouped:
                html(_byline(message, author, tab), "div", "byline")
            drawing = _content(message, tab)
            if message.reactions:
                draw_reactions(message, tab)
            if row.thread is not None:
                _thread_bar(message, row.thread, tab)
        if not message.ephemeral_for and message.subtype != "tombstone":
            _tools(message, tab, in_thread=in_thread)

    def update(new: Row) -> bool:
        if drawing is None or not _differs_in_blocks_alone(row, new):
            return False
        drawing.show(new.message)
        return True

    return update


_ONLY_YOU = '<i class="q-icon material-icons" aria-hidden="true">visibility</i> Only visible to you'


def _spoken(author: str, message: Message, tab: Tab) -> str:
    return f"{author}, {moment(message.ts, tab.zone):%H:%M}"


def _gutter(row: Row, author: str, tab: Tab) -> None:
    message = row.message
    if row.is_grouped:
        html(clock_time(message.ts, tab.zone), "div", "gutter gutter-time")
    else:
        html(avatar(author, is_app=message.bot_id is not None), "div", "gutter")


def _byline(message: Message, author: str, tab: Tab) -> str:
    badge = '<span class="badge">APP</span>' if message.bot_id else ""
    time = clock_time(message.ts, tab.zone)
    return f'<b class="author">{escape(author)}</b>{badge}{time}'


def _differs_in_blocks_alone(old: Row, new: Row) -> bool:
    """Whether the new version looks the same but for its blocks."""
    then, now = old.message, new.message
    return (
        bool(now.blocks)
        and replace(new, message=then) == old
        and (then.reactions, then.files, then.attachments, then.edited, then.subtype)
        == (now.reactions, now.files, now.attachments, now.edited, now.subtype)
    )


def _content(message: Message, tab: Tab) -> Drawing | None:
    if message.subtype == "tombstone":
        tag("div", "This message was deleted.", classes="gone")
        return None
    drawing = None
    if message.blocks:
        with tag("div", classes="content"):
            drawing = _blocks(message, tab)
    elif message.text:
        html(mrkdwn.to_html(message.text, tab.workspace), "div", "content text")
    if message.edited:
        html("(edited)", "span", "edited")
    draw_attachments(message, tab)
    draw_files(message, tab)
    return drawing


def _blocks(message: Message, tab: Tab) -> Drawing | None:
    try:
        return blocks.render(message, tab)
    except Exception:  # noqa: BLE001 - one message that cannot be drawn must not hide the others
        log.exception("The blocks of a message could not be drawn")
        tag("div", message.plain, classes="text")
        return None


def _thread_bar(message: Message, thread: Thread, tab: Tab) -> None:
    count = f"{thread.replies} {'reply' if thread.replies == 1 else 'replies'}"
    button = tag("button", classes="thread-bar", type="button")
    button.on("click", lambda: tab.go(tab.place.with_thread(message.ts)))
    with button:
        faces = [display_name(tab.workspace, user) for user in thread.people[:3]]
        bot = display_name(tab.workspace, tab.slack.backend.bot_id)
        html("".join(avatar(name, is_app=name == bot, classes="small") for name in faces), "span")
        tag("span", count, classes="thread-count")
        tag("span", f"last {_when(thread.last, tab)}", classes="thread-last")


def _when(ts: str, tab: Tab) -> str:
    when = moment(ts, tab.zone)
    return f"{day_name(when, tab.now).lower()} at {when:%H:%M}"


def _tools(message: Message, tab: Tab, *, in_thread: bool) -> None:
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
