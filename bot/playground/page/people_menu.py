"""Who acts in this tab, and the menu to act as someone else."""

from __future__ import annotations

from nicegui import ui

from bot.playground.page.names import avatar, humans, roles_of
from bot.playground.page.place import link_to
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag
from bot.playground.workspace import Person


def people_menu(tab: Tab) -> None:
    """A button that says who acts, with a menu of everybody else."""
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
                _choice(tab, each)


def _choice(tab: Tab, person: Person) -> None:
    href = link_to(tab.place, tab.slack.person(person.id), tab.workspace)
    is_acting = person.id == tab.person.id
    with tag("div", classes="person-choice"):
        with tag("a", href=href, classes="person-link", role="menuitem") as link:
            html(avatar(person.real_name))
            with tag("span", classes="acting-names"):
                tag("span", person.real_name, classes="acting-name")
                tag("span", roles_of(tab.workspace, person), classes="acting-roles")
        if is_acting:
            link.props["aria-current"] = "true"
        label = f"Act as {person.real_name} in a new tab"
        with tag("a", href=href, target="_blank", classes="icon-button", aria_label=label):
            ui.icon("open_in_new").props('aria-hidden="true"')
