"""The drawer at the right: notes on what to try, and things to break on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from bot.playground.page import mrkdwn
from bot.playground.page.keyed_list import KeyedList
from bot.playground.page.levers import Lever
from bot.playground.page.links import icon_button
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag

LOOK_EVERY = 1.0  # seconds: things also break and mend by themselves


@dataclass(frozen=True)
class State:
    """A lever as it is drawn. `key` is its title."""

    lever: Lever
    is_broken: bool
    is_moving: bool

    @property
    def key(self) -> str:
        return self.lever.title


class LeverPanel:
    """Hidden until it is asked for."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        title = "Break things" if tab.page.levers else "Notes"
        self.element = tag("aside", classes="panel", aria_label=title)
        with self.element:
            with tag("header", classes="head"):
                with tag("div", classes="head-title"):
                    tag("h2", title)
                icon_button("close", f"Close {title.lower()}", self.toggle)
            with tag("div", classes="panel-body"):
                if tab.page.notes:
                    html(mrkdwn.to_html(tab.page.notes, tab.workspace), "div", "notes text")
                self._levers = KeyedList(tag("ul", classes="levers"), self._draw, "li")
        self.element.set_visibility(False)
        with self.element:
            self._timer = ui.timer(LOOK_EVERY, self.sync, active=False)

    def toggle(self) -> None:
        """Show or hide the drawer."""
        self.element.set_visibility(not self.element.visible)
        self._timer.active = self.element.visible
        self.sync()

    def sync(self) -> None:
        """Show how things are now."""
        if self.element.visible:
            self._levers.show(
                [
                    State(each, each.is_broken(), each.title in self._tab.page.moving)
                    for each in self._tab.page.levers
                ]
            )

    def _draw(self, state: State) -> None:
        lever = state.lever
        with tag("div", classes="lever" + (" broken" if state.is_broken else "")):
            with tag("div", classes="lever-words"):
                tag("h3", lever.title)
                tag("p", lever.about)
                tag("p", "🔴 Broken" if state.is_broken else "✅ ok", classes="lever-state")
            self._button(state)

    def _button(self, state: State) -> None:
        lever = state.lever
        can_mend = state.is_broken and lever.mend is not None
        words = "Mend" if can_mend else "Break"
        button = tag(
            "button",
            "Working…" if state.is_moving else words,
            classes="lever-button" + ("" if can_mend else " danger"),
            type="button",
            aria_label=f"{words}: {lever.title}",
            disabled=state.is_moving or (state.is_broken and not can_mend),
        )
        button.on("click", lambda: self._pull(lever, mend=can_mend))

    async def _pull(self, lever: Lever, *, mend: bool) -> None:
        moving = self._tab.page.moving
        if lever.title in moving:
            return
        moving.add(lever.title)
        self.sync()
        try:
            await (lever.mend() if mend and lever.mend is not None else lever.break_it())
        except Exception as error:  # noqa: BLE001 - a lever may fail in any way; people are told
            self._tab.tell(f"{lever.title}: {error}")
        finally:
            moving.discard(lever.title)
            if not self.element.is_deleted:
                self.sync()
