"""The side panel with one thread: its first message, the replies, and where to write one."""

from __future__ import annotations

from collections.abc import Callable

from bot.playground.page.composer import Composer
from bot.playground.page.keyed_list import KeyedList, Update
from bot.playground.page.links import icon_button
from bot.playground.page.message_list import MessageList
from bot.playground.page.message_row import draw_row
from bot.playground.page.names import channel_title
from bot.playground.page.rows import Row, thread_messages, thread_rows
from bot.playground.page.scroller import Scroller
from bot.playground.page.sending import send
from bot.playground.page.tab import Tab
from bot.playground.page.tags import tag
from bot.playground.workspace import Channel


class ThreadPanel:
    """There only while the tab's place names a thread. `closed` is called when people close it."""

    def __init__(self, tab: Tab, closed: Callable[[], None]) -> None:
        self._tab = tab
        self._closed = closed
        self._built: tuple[object, ...] = ()
        self._parent: KeyedList[Row] | None = None
        self._replies: MessageList | None = None
        self._composer: Composer | None = None
        self.element = tag("aside", classes="thread", aria_label="Thread")
        self.element.set_visibility(False)

    def sync(self) -> None:
        """Show the tab's thread as it is now, or nothing."""
        channel, root = self._tab.channel, self._tab.place.thread
        if root is not None and root not in channel.messages:
            root = None  # deleted
        wanted = (channel.id, root, self._tab.person.id in channel.members)
        if wanted != self._built:
            self._built = wanted
            self._build(channel, root)
        if root is not None:
            self._show(channel, root)
        if self._composer is not None:
            self._composer.follow(self._tab.slack)

    def close(self) -> None:
        """Leave the thread."""
        self._tab.go(self._tab.place.with_thread(None))
        self._closed()

    def _show(self, channel: Channel, root: str) -> None:
        if self._parent is None or self._replies is None:
            return
        tab = self._tab
        messages, has_earlier = thread_messages(
            channel, tab.workspace, tab.person.id, root, self._replies.limit
        )
        parent, *replies = thread_rows(messages, channel, times=tab.times, now=tab.now)
        self._parent.show([parent])
        self._replies.show(replies, has_earlier=has_earlier)

    def _build(self, channel: Channel, root: str | None) -> None:
        self._parent = self._replies = self._composer = None
        self.element.clear()
        self.element.set_visibility(root is not None)
        if root is None:
            return
        with self.element:
            with tag("header", classes="head"):
                with tag("div", classes="head-title"):
                    tag("h2", "Thread")
                    tag("div", _where(self._tab, channel), classes="topic")
                icon_button("close", "Close thread", self.close)
            scroller = Scroller("Thread")
            with scroller:
                self._parent = KeyedList(tag("div", classes="thread-parent"), self._draw_parent)
                self._replies = MessageList(
                    self._tab, self.sync, "Show earlier replies", in_thread=True
                )
            scroller.on_end(self._replies.put_away)
            if self._tab.person.id in channel.members and not channel.archived:
                with tag("div", classes="foot"):
                    self._composer = self._make_composer(channel, root, scroller)
                    self._composer.take_focus()

    def _draw_parent(self, row: Row) -> Update[Row]:
        return draw_row(row, self._tab, in_thread=True)

    def _make_composer(self, channel: Channel, root: str, scroller: Scroller) -> Composer:
        tab = self._tab

        async def sent(text: str, files: list[str]) -> None:
            scroller.to_end()
            await send(tab, channel, text, files, thread=channel.messages.get(root))

        return Composer(
            tab.slack, tab.person, channel, sent, placeholder="Reply in thread", thread=root
        )


def _where(tab: Tab, channel: Channel) -> str:
    title = channel_title(tab.workspace, channel)
    return title if channel.kind == "im" else f"# {title}"
