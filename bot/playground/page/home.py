"""The app's Home as published for the person, or a word that there is none."""

from __future__ import annotations

from bot.playground.modals import View
from bot.playground.page.blocks import Drawing
from bot.playground.page.stage import Stage
from bot.playground.page.tags import tag
from bot.playground.page.watching import follow


class _Home:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._drawing: Drawing | None = None
        self._holder = tag("div", classes="bk-home")
        self.refresh()

    def concerns(self, changed: object) -> bool:
        return isinstance(changed, View) and changed is self._stage.person.home

    def refresh(self) -> None:
        if self._holder.is_deleted:
            return
        view = self._stage.person.home
        if view is not None and self._drawing is not None:
            self._drawing.show(view)
            return
        self._holder.clear()
        with self._holder:
            if view is not None:
                self._drawing = Drawing(view, self._stage)
            else:
                app = self._stage.slack.workspace.bot.real_name
                tag("p", f"{app} has published nothing here yet.", "bk-empty")


def render(stage: Stage) -> None:
    """Draw the app's Home into the current slot and keep it current."""
    home = _Home(stage)
    follow(stage.slack.backend.changes, home.concerns, home.refresh)
