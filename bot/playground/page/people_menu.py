"""Who acts in this tab, and the menu to act as someone else."""

from __future__ import annotations

from nicegui import ui

from bot.playground.page.names import avatar, humans, roles_of
from bot.playground.page.place import Place, link_to
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, set_attributes, tag
from bot.playground.workspace import Person


class PeopleMenu:
    """A button that says who acts, with a menu of everybody else.

    `sync` lets its links lead to the tab's place: who acts as someone else stays where they are.
    """

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._links: list[tuple[Person, ui.element]] = []
        self._place: Place | None = None
        person, roles = tab.person.person, roles_of(tab.workspace, tab.person.person)
        button = tag("button", classes="acting", type="button", aria_haspopup="menu")
        button.props["aria-label"] = f"Acting as {person.real_name}, {roles}. Act as someone else"
        with button:
            html(avatar(person.real_name))
            with tag("span", classes="acting-names"):
                tag("span", person.real_name, classes="acting-name")
                tag("span", roles, classes="acting-roles")
            ui.icon("unfold_more").props('aria-hidden="true"')
            with ui.menu().props('anchor="top left" self="bottom left"').classes("people-menu"):
                tag("div", "Act as", classes="menu-title")
                for each in humans(tab.workspace):
                    self._choice(each)

    def sync(self) -> None:
        """Follow the tab to its place."""
        tab = self._tab
        if tab.place == self._place:
            return
        self._place = tab.place
        for person, link in self._links:
            href = link_to(tab.place, tab.slack.person(person.id), tab.workspace)
            set_attributes(link, href=href)

    def _choice(self, person: Person) -> None:
        tab = self._tab
        with tag("div", classes="person-choice"):
            with tag("a", classes="person-link", role="menuitem") as link:
                html(avatar(person.real_name))
                with tag("span", classes="acting-names"):
                    tag("span", person.real_name, classes="acting-name")
                    tag("span", roles_of(tab.workspace, person), classes="acting-roles")
            if person.id == tab.person.id:
                link.props["aria-current"] = "true"
            label = f"Act as {person.real_name} in a new tab"
            with tag("a", target="_blank", classes="icon-button", aria_label=label) as beside:
                ui.icon("open_in_new").props('aria-hidden="true"')
        self._links += [(person, link), (person, beside)]
