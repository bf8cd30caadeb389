"""Ctrl+K: find a channel by typing part of its name."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from bot.playground.page.names import channel_title
from bot.playground.page.place import Place, can_see
from bot.playground.page.tab import Tab
from bot.playground.page.tags import tag
from bot.playground.workspace import Channel


def reachable(tab: Tab) -> list[Channel]:
    """The channels in the order of the sidebar: joined ones by name, others, the app."""
    person = tab.person.id
    channels = [
        each
        for each in tab.workspace.channels.values()
        if each.kind != "im" and not each.archived and can_see(person, each)
    ]
    channels.sort(key=lambda each: (person not in each.members, each.name))
    return [*channels, tab.person.dm]


def step(tab: Tab, by: int) -> None:
    """Go to the next or previous channel of the sidebar, around its ends."""
    ids = [each.id for each in reachable(tab)]
    at = ids.index(tab.place.channel) if tab.place.channel in ids else 0
    tab.go(Place(ids[(at + by) % len(ids)]))


class Switcher:
    """A dialog, filled anew each time it opens."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._dialog = ui.dialog().props('aria-label="Go to channel"')
        with self._dialog, tag("div", classes="switcher"):
            self._typed = tag("input", type="search", placeholder="Go to channel")
            self._typed.props["aria-label"] = "Go to channel"
            self._typed.on("input", self._filter, js_handler="(e) => emit(e.target.value)")
            self._typed.on("keydown.enter", self._take_first)
            self._list = tag("ul")

    def open(self) -> None:
        """Ask where to go."""
        self._fill("")
        self._dialog.open()
        ui.run_javascript(
            f"setTimeout(() => {{ const box = getHtmlElement({self._typed.id});"
            " if (box) { box.value = ''; box.focus(); } }, 50)"
        )

    def _filter(self, event: object) -> None:
        self._fill(str(getattr(event, "args", "")))

    def _fill(self, typed: str) -> None:
        wanted = typed.strip().lstrip("#").lower()
        titles = [(each, channel_title(self._tab.workspace, each)) for each in reachable(self._tab)]
        self._found = [each for each in titles if wanted in each[1].lower()]
        self._list.clear()
        with self._list:
            for channel, title in self._found:
                sign = "" if channel.kind == "im" else "# "
                with tag("li"):
                    button = tag("button", f"{sign}{title}", type="button")
                    button.on("click", partial(self._go, channel))

    def _take_first(self) -> None:
        if self._found:
            self._go(self._found[0][0])

    def _go(self, channel: Channel) -> None:
        self._dialog.close()
        self._tab.go(Place(channel.id))
