"""The main pane: one channel, its messages and where to write in it."""

from __future__ import annotations

from html import escape

from nicegui import background_tasks

from bot.playground.page.composer import Composer
from bot.playground.page.conversation_head import ConversationHead
from bot.playground.page.home import Home
from bot.playground.page.message_list import MessageList
from bot.playground.page.names import channel_title
from bot.playground.page.rows import channel_messages, rows
from bot.playground.page.scroller import Scroller
from bot.playground.page.sending import send
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag
from bot.playground.workspace import Channel


class Conversation:
    """Draws a channel anew when another one opens, else only what changed in it."""

    def __init__(self, tab: Tab, head: ConversationHead) -> None:
        self._tab = tab
        self._head = head
        self._built: tuple[object, ...] = ()
        self._composer: Composer | None = None
        self._messages: MessageList | None = None
        self._home: Home | None = None
        self.element = tag("div", classes="conversation")

    def sync(self) -> None:
        """Show the tab's channel as it is now."""
        channel = self._tab.channel
        self._head.sync()
        wanted = (channel.id, self._tab.place.home, self._foot_kind(channel))
        if wanted != self._built:
            self._built = wanted
            self._build(channel)
        if self._messages is not None:
            self._show_messages(channel, self._messages)
        if self._home is not None:
            self._home.sync()
        if self._composer is not None:
            self._composer.follow(self._tab.slack)

    def take_focus(self) -> None:
        """Put the cursor where one writes, if one can write here."""
        if self._composer is not None:
            self._composer.take_focus()

    def _build(self, channel: Channel) -> None:
        self._composer = self._messages = self._home = None
        self._first_new = self._oldest_new(channel)
        if channel.kind == "im":
            self._tell_app()
        self.element.clear()
        with self.element:
            if self._tab.place.home:
                with tag("div", classes="home", role="region", aria_label="Home"):
                    self._home = Home(self._tab)
                return
            self._scroller = Scroller(f"Messages in {channel_title(self._tab.workspace, channel)}")
            with self._scroller:
                self._intro = html(self._beginning(channel), "div", "beginning")
                self._messages = MessageList(self._tab, self.sync, "Show earlier messages")
            self._scroller.on_end(self._messages.put_away)
            self._foot(channel)

    def _tell_app(self) -> None:
        """The app hears which of its tabs was opened."""
        opened = self._tab.person.open_home("home" if self._tab.place.home else "messages")
        background_tasks.create(opened, name="open the app's Home")

    def _oldest_new(self, channel: Channel) -> str:
        if self._tab.person.id not in channel.members:
            return ""
        new = list(self._tab.page.reads.new_messages(self._tab.person.id, channel))
        return new[-1].ts if new else ""

    def _beginning(self, channel: Channel) -> str:
        title = channel_title(self._tab.workspace, channel)
        if channel.kind == "im":
            return (
                f"<b>{escape(title)}</b> Messages between you and the app. Nobody else sees them."
            )
        return f"<b># {escape(title)}</b> This is the beginning of #{escape(title)}."

    def _show_messages(self, channel: Channel, drawn: MessageList) -> None:
        tab = self._tab
        shown, has_earlier = channel_messages(channel, tab.workspace, tab.person.id, drawn.limit)
        self._intro.set_visibility(not has_earlier)
        made = rows(shown, channel, times=tab.times, now=tab.now, first_new=self._first_new)
        drawn.show(made, has_earlier=has_earlier)

    def _foot_kind(self, channel: Channel) -> str:
        if channel.archived:
            return "archived"
        return "composer" if self._tab.person.id in channel.members else "join"

    def _foot(self, channel: Channel) -> None:
        kind = self._foot_kind(channel)
        with tag("div", classes="foot"):
            if kind == "archived":
                tag("p", f"#{channel.name} is archived.", classes="foot-note")
            elif kind == "join":
                tag("p", f"You are looking at #{channel.name}.", classes="foot-note")
                tag("button", "Join channel", "primary", type="button").on("click", self._join)
            else:
                self._composer = self._make_composer(channel)
                self.take_focus()

    def _make_composer(self, channel: Channel) -> Composer:
        tab = self._tab
        title = channel_title(tab.workspace, channel)

        async def sent(text: str, files: list[str]) -> None:
            self._scroller.to_end()
            await send(tab, channel, text, files)

        sign = "" if channel.kind == "im" else "#"
        return Composer(tab.slack, tab.person, channel, sent, placeholder=f"Message {sign}{title}")

    async def _join(self) -> None:
        await self._tab.person.join(self._tab.channel)
