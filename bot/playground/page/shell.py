"""The page as a whole: what stands where, the keyboard, and the first drawing."""

from __future__ import annotations

from nicegui import Client, events, ui

from bot.playground.message import Message
from bot.playground.page import assets
from bot.playground.page.conversation import Conversation
from bot.playground.page.conversation_head import ConversationHead
from bot.playground.page.lever_panel import LeverPanel
from bot.playground.page.modal import Modals
from bot.playground.page.names import author_name, humans
from bot.playground.page.opened import OpenedPage, current_page
from bot.playground.page.place import Place, place_in
from bot.playground.page.sidebar import Sidebar
from bot.playground.page.switcher import Switcher, step
from bot.playground.page.tab import Tab
from bot.playground.page.tags import tag
from bot.playground.page.thread import ThreadPanel
from bot.playground.page.times import times_of
from bot.playground.people import ActingPerson

ANNOUNCED = 20  # news kept for those who only listen
_LOOKED_AT = 'emitEvent("slack-looked-at", document.visibilityState === "visible")'


async def show_page(client: Client) -> None:
    """Build the page for one browser tab, as the person and in the place its URL names."""
    page = current_page()
    assets.add_to_page()
    _give_up_landmark(client)
    await client.connected()
    times = await times_of(client)
    if client.is_deleted:
        return  # it was no browser, or it has left
    query = client.request.query_params
    person = _person(page, query.get("as", ""))
    place = place_in(query, person, page.slack.workspace)
    tab = Tab(page, client, person, times, place)
    Shell(tab)
    tab.follow()
    tab.show(place)


def _give_up_landmark(client: Client) -> None:
    """The frame that NiceGUI puts around everything is a <main>, of which a page has but one."""
    for element in client.content.ancestors():
        if element.tag == "q-page":
            element.props["role"] = "presentation"


def _person(page: OpenedPage, name: str) -> ActingPerson:
    people = humans(page.slack.workspace)
    named = [each for each in people if name in (each.id, each.name)]
    return page.slack.person((named or people)[0].id)


class Shell:
    """The columns of the page. Everything in them follows the tab by `sync`."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._drawn: Place | None = None
        tab.sync = self._sync
        tab.announce = self._announce
        has_panel = bool(tab.page.levers or tab.page.notes)
        with tag("div", classes="shell") as self._element:
            self._sidebar = Sidebar(tab, lambda: self._show_lists(shown=False))
            scrim = tag("div", classes="scrim", aria_hidden=True)
            scrim.on("click", lambda: self._show_lists(shown=False))
            with tag("main", classes="main"):
                self._head = ConversationHead(
                    tab,
                    lambda: self._show_lists(shown=True),
                    (lambda: self._panel.toggle()) if has_panel else None,
                )
                self._away = tag("div", classes="banner", role="status")
                self._conversation = Conversation(tab, self._head)
            self._thread = ThreadPanel(tab, self._conversation.take_focus)
            self._panel = LeverPanel(tab)
        self._news = tag("div", classes="only-heard", aria_live="polite")
        self._switcher = Switcher(tab)
        self._modals = Modals(tab)
        self._listen()

    def _sync(self) -> None:
        if self._tab.place != self._drawn:
            self._drawn = self._tab.place
            self._show_lists(shown=False)
        self._sidebar.sync()
        self._conversation.sync()
        self._thread.sync()
        self._panel.sync()
        app = self._tab.workspace.bot.real_name
        is_away = self._tab.slack.is_away
        self._away.text = f"Slack is away. {app} hears nothing until it is back." if is_away else ""
        self._away.set_visibility(is_away)
        self._modals.sync()

    def _show_lists(self, *, shown: bool) -> None:
        self._element.classes(
            add="lists-open" if shown else "", remove="" if shown else "lists-open"
        )

    def _announce(self, message: Message) -> None:
        """Put it below those announced before: each is read out, however close they come."""
        said = message.text or message.plain
        with self._news:
            tag("p", f"{author_name(self._tab.workspace, message)}: {said[:200]}")
        for old in self._news.default_slot.children[:-ANNOUNCED]:
            old.delete()

    def _listen(self) -> None:
        """What page.js tells of."""
        ui.on("slack-step", lambda event: step(self._tab, int(event.args)))
        ui.on("slack-switch", self._switcher.open)
        ui.on("slack-escape", self._escaped)
        ui.on("slack-moved", self._moved)
        ui.on("slack-looked-at", lambda event: self._tab.looked_at(bool(event.args)))
        ui.run_javascript(_LOOKED_AT)  # it may have been opened in the background

    def _escaped(self) -> None:
        self._show_lists(shown=False)
        if self._tab.place.thread:
            self._thread.close()

    def _moved(self, event: events.GenericEventArguments) -> None:
        query = dict(event.args)
        self._tab.show(place_in(query, self._tab.person, self._tab.workspace))
