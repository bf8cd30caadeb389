"""The app's Home as published for the person, or a word that there is none."""

from __future__ import annotations

from bot.playground.page.blocks import Drawing
from bot.playground.page.tab import Tab
from bot.playground.page.tags import tag


class Home:
    """In the current slot; `sync` shows what is published now."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._drawing: Drawing | None = None
        self._holder = tag("div", classes="bk-home")
        with self._holder:
            app = tab.workspace.bot.real_name
            tag("p", f"{app} has published nothing here yet.", "bk-empty")

    def sync(self) -> None:
        """Take in the version of the Home that stands now."""
        view = self._tab.person.home
        if view is None:
            return
        if self._drawing is not None:
            self._drawing.show(view)
            return
        self._holder.clear()
        with self._holder:
            self._drawing = Drawing(view, self._tab)
