"""The head of the main pane: which channel this is, its topic and members, the app's tabs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from bot.playground.page.links import icon_button, inner_link
from bot.playground.page.names import avatar, channel_title, roles_of
from bot.playground.page.place import Place, link_to
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, set_attributes, tag
from bot.playground.workspace import Channel


class ConversationHead:
    """Drawn again when something in it changes. `open_lists` shows the channels on phones."""

    def __init__(
        self, tab: Tab, open_lists: Callable[[], None], toggle_panel: Callable[[], None] | None
    ) -> None:
        self._tab = tab
        self._open_lists = open_lists
        self._toggle_panel = toggle_panel
        self._shown: tuple[object, ...] = ()
        self._element = tag("header", classes="head")

    def sync(self) -> None:
        """Show the tab's channel."""
        channel, place = self._tab.channel, self._tab.place
        members = tuple(sorted(channel.members))
        wanted = (channel.id, channel.name, channel.topic, members, place.home)
        if wanted == self._shown:
            return
        self._shown = wanted
        self._element.clear()
        with self._element:
            self._draw(channel)

    def _draw(self, channel: Channel) -> None:
        icon_button("menu", "Show channels", self._open_lists, "only-phone")
        with tag("div", classes="head-title"):
            sign = {"im": "", "private_channel": "🔒 ", "public_channel": "# "}[channel.kind]
            title = channel_title(self._tab.workspace, channel)
            ui.page_title(f"{sign.strip()}{title} · {self._tab.workspace.name}")
            tag("h1", f"{sign}{title}")
            if channel.topic:
                _topic(channel.topic)
        if channel.kind == "im":
            self._app_tabs(channel)
        else:
            self._members(channel)
        if self._toggle_panel is not None:
            label = "Break things" if self._tab.page.levers else "Notes"
            button = tag("button", classes="panel-button", type="button", aria_label=label)
            button.on("click", self._toggle_panel)
            with button:
                ui.icon("handyman").props('aria-hidden="true"')
                tag("span", label)

    def _app_tabs(self, channel: Channel) -> None:
        tab = self._tab
        with tag("div", classes="app-tabs", role="group", aria_label="App"):
            for name, place in (
                ("Home", Place(channel.id, home=True)),
                ("Messages", Place(channel.id)),
            ):
                href = link_to(place, tab.person, tab.workspace)
                link = inner_link(href, partial(tab.go, place), "app-tab")
                is_current = place.home == tab.place.home
                set_attributes(link, aria_current="page" if is_current else None)
                with link:
                    tag("span", name)

    def _members(self, channel: Channel) -> None:
        workspace = self._tab.workspace
        people = [workspace.people[each] for each in channel.members if each in workspace.people]
        count = f"{len(people)} {'member' if len(people) == 1 else 'members'}"
        with tag("button", classes="members", type="button", aria_label=count, title=count):
            ui.icon("group").props('aria-hidden="true"')
            tag("span", str(len(people)))
            with ui.menu().classes("people-menu"):
                tag("div", count, classes="menu-title")
                for each in sorted(people, key=lambda each: (each.is_bot, each.real_name)):
                    with tag("div", classes="person-choice member"):
                        html(avatar(each.real_name, is_app=each.is_bot))
                        with tag("span", classes="acting-names"):
                            tag("span", each.real_name, classes="acting-name")
                            role = "app" if each.is_bot else roles_of(workspace, each)
                            tag("span", role, classes="acting-roles")


def _topic(text: str) -> None:
    """A topic, cut where it is long, with the whole of it where that is asked for."""
    button = tag("button", classes="topic-button", type="button", title=text, aria_expanded=False)
    with button:
        tag("span", text, classes="topic")

    def turn() -> None:
        set_attributes(button, aria_expanded=button.props["aria-expanded"] != "true")

    button.on("click", turn, args=[])
