"""The left column: the workspace, its channels with what is unread, the app, who acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.page.keyed_list import KeyedList
from bot.playground.page.links import inner_link
from bot.playground.page.names import avatar, channel_title
from bot.playground.page.people_menu import PeopleMenu
from bot.playground.page.place import Place, link_to
from bot.playground.page.read_marks import Unread
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, set_attributes, tag
from bot.playground.workspace import Channel


@dataclass(frozen=True)
class Entry:
    """One line of the sidebar."""

    channel: str
    title: str
    sign: str
    is_current: bool
    unread: Unread

    @property
    def key(self) -> str:
        return self.channel

    @property
    def spoken(self) -> str:
        """The line for those who only listen."""
        said = {"#": "channel", "lock": "private channel", "app": "app"}[self.sign]
        news = f", {self.unread.messages} unread" if self.unread.messages else ""
        return f"{self.title}, {said}{news}"


class Sidebar:
    """Drawn once; `sync` redraws the lines that changed. `chosen` hears that one was followed, also
    one that leads where the tab is."""

    def __init__(self, tab: Tab, chosen: Callable[[], None]) -> None:
        self._tab = tab
        self._chosen = chosen
        with tag("nav", classes="sidebar", aria_label="Channels") as self.element:
            self._head()
            with tag("div", classes="sidebar-lists"):
                self._channels = self._list("Channels")
                self._more = self._list("Not joined")
                self._apps = self._list("Apps")
            self._people = PeopleMenu(tab)

    def _head(self) -> None:
        with tag("div", classes="sidebar-head"):
            tag("div", self._tab.workspace.name, classes="workspace-name")
            tag("div", "A local Slack for trying things out", classes="workspace-about")

    def _list(self, title: str) -> KeyedList[Entry]:
        with tag("section", classes="sidebar-section", aria_label=title):
            tag("h2", title)
            entries = tag("ul")
        return KeyedList(entries, self._entry, "li")

    def sync(self) -> None:
        """Show the channels there are, and what is new in each."""
        person, channels = self._tab.person, self._tab.workspace.channels.values()
        named = sorted((each for each in channels if each.kind != "im"), key=lambda each: each.name)
        shown = [each for each in named if not each.archived or each.id == self._tab.place.channel]
        joined = [each for each in shown if person.id in each.members]
        public = [each for each in shown if each not in joined and each.kind == "public_channel"]
        self._channels.show([self._entry_of(each) for each in joined])
        self._more.show([self._entry_of(each) for each in public])
        self._apps.show([self._entry_of(person.dm)])
        self._people.sync()

    def _entry_of(self, channel: Channel) -> Entry:
        tab = self._tab
        is_direct = channel.kind == "im"
        is_joined = tab.person.id in channel.members
        return Entry(
            channel=channel.id,
            title=channel_title(tab.workspace, channel),
            sign="app" if is_direct else "lock" if channel.kind == "private_channel" else "#",
            is_current=channel.id == tab.place.channel,
            unread=tab.page.reads.unread(tab.person.id, channel) if is_joined else Unread(),
        )

    def _entry(self, entry: Entry) -> None:
        tab, place = self._tab, Place(entry.channel)
        link = inner_link(
            link_to(place, tab.person, tab.workspace),
            lambda: self._follow(place),
            classes="entry" + (" unread" if entry.unread.messages else ""),
            aria_label=entry.spoken,
        )
        set_attributes(link, aria_current="page" if entry.is_current else None)
        with link:
            html(_sign(entry), "span", "entry-sign")
            tag("span", entry.title, classes="entry-title")
            if entry.unread.calls:
                tag("span", str(entry.unread.calls), classes="calls")

    def _follow(self, place: Place) -> None:
        self._chosen()
        self._tab.go(place)


def _sign(entry: Entry) -> str:
    if entry.sign == "app":
        return avatar(entry.title, is_app=True, classes="small")
    if entry.sign == "lock":
        return '<i class="q-icon material-icons" aria-hidden="true">lock</i>'
    return '<span aria-hidden="true">#</span>'
