"""One interactive element where it stands on a page, and what using it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from bot.playground.choosing import entered_value
from bot.playground.interactions import Surface
from bot.playground.modals import View
from bot.playground.page import confirm
from bot.playground.page.tab import Tab
from bot.playground.page.tags import set_attributes
from bot.playground.visible import Placed
from bot.playground.workspace import Workspace

GONE = "That is no longer there."


@dataclass(frozen=True)
class Spot:
    """An element, the surface it is on, and the words around it.

    `current` gives the version of the surface that stands on the page; `redraw` draws the
    element's block anew, from what is entered; `label` is the label of its input block and
    `notes` are the hint and the error below it.
    """

    placed: Placed
    tab: Tab
    current: Callable[[], Surface]
    redraw: Callable[[], None]
    label: TextElement | None = None
    notes: list[ui.element] = field(default_factory=list)
    is_wrong: bool = False

    @property
    def element(self) -> dict[str, Any]:
        return self.placed.element

    @property
    def workspace(self) -> Workspace:
        return self.tab.slack.workspace

    @property
    def placeholder(self) -> str:
        """The element's placeholder, or nothing."""
        return str(self.element.get("placeholder", {}).get("text", ""))

    @property
    def is_optional(self) -> bool:
        """Whether the element may be left empty; what is not an input always may."""
        return self.placed.block.get("type") != "input" or bool(self.placed.block.get("optional"))

    @property
    def dispatches(self) -> bool:
        """Whether the app hears of every change."""
        return self.placed.block.get("type") != "input" or bool(
            self.placed.block.get("dispatch_action")
        )

    @property
    def value(self) -> Any:
        """What the element shows on this person's screen."""
        return self.tab.person.screen(self.current()).value(self.placed)

    def enter(self, raw: Any) -> None:
        """Put on the screen what was typed or chosen, without telling the app."""
        value = entered_value(self.placed, raw, self.workspace)
        self.tab.person.screen(self.current()).enter(self.placed, value)

    async def act(self, control: ui.element, value: Any = None) -> bool:
        """Use the element, after asking if it wants that; False if the person declined.

        Until the app has answered, `control` shows that it is busy. A missing answer is told.
        """
        surface = self.current()
        wanted = self.element.get("confirm")
        if wanted and not await confirm.ask(wanted, control.client, self.workspace):
            return False
        try:
            with self._busy(control):
                outcome = await self.tab.person.act(surface, self.placed, value)
        except LookupError:
            self.tab.tell(GONE)
            return True
        if outcome.error:
            app = self.workspace.bot.real_name
            self.tab.tell(f"{app} did not answer. It may not have heard of this.")
        return True

    async def choose(self, control: ui.element, value: Any) -> None:
        """Use an element that holds a value; what was declined is taken back."""
        if not await self.act(control, value) and not control.client.is_deleted:
            self.redraw()

    def name(self, control: ui.element, words: str = "", *, is_group: bool = False) -> None:
        """Give the control its accessible name, its notes, and its place for the keyboard.

        `words` name it where it has no label of its own. A group is named, never focused.
        """
        key = self.key
        if self.label is not None:
            self.label.props["for"] = None if is_group else control.html_id
            set_attributes(control, aria_labelledby=self.label.html_id)
        elif words:
            set_attributes(control, aria_label=words)
        if self.notes:
            described = " ".join(note.html_id for note in self.notes)
            set_attributes(control, aria_describedby=described)
        if self.is_wrong:
            set_attributes(control, aria_invalid=True)
        if self.placed.block.get("type") == "input" and not is_group:
            set_attributes(control, aria_required=not self.is_optional)
        if not is_group:
            set_attributes(control, data_at=key)
        if self.element.get("focus_on_load") and not is_group:
            set_attributes(control, data_autofocus="")

    @property
    def key(self) -> str:
        """A name for the element that stays the same through updates of its surface."""
        surface = self.current()
        place = surface.id if isinstance(surface, View) else f"{surface.channel}/{surface.ts}"
        return f"{place}/{self.placed.block_id}/{self.placed.action_id}"

    @contextmanager
    def _busy(self, control: ui.element) -> Iterator[None]:
        if not self.dispatches:
            yield
            return
        set_attributes(control, aria_busy=True)
        try:
            yield
        finally:
            if not control.is_deleted:
                set_attributes(control, aria_busy=False)
