"""The blocks of a message or a view on the page, kept up to date block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nicegui import ui

from bot.playground.errors import JSON
from bot.playground.interactions import Surface
from bot.playground.page.block_kinds import draw_block
from bot.playground.page.block_parts import Scene
from bot.playground.page.tab import Tab
from bot.playground.page.tags import tag
from bot.playground.visible import placed_elements


@dataclass
class _Drawn:
    """One block as it was drawn last, and the element that holds it."""

    block: JSON
    error: str
    holder: ui.element


class Drawing:
    """The blocks of one surface in the current slot.

    `show` brings a newer version: only blocks that differ are drawn again, so that open menus,
    the focus and what is being typed stay where they are. Whoever uses an element acts on the
    version shown last.
    """

    def __init__(self, surface: Surface, tab: Tab) -> None:
        self._surface = surface
        self._tab = tab
        self._drawn: list[_Drawn] = []
        self._container = tag("div", classes="bk-blocks")
        self.show(surface)

    def show(self, surface: Surface, errors: Mapping[str, str] | None = None) -> None:
        """Show this version, with an error (by block_id) below inputs that were refused."""
        self._surface = surface
        errors = errors or {}
        for at, block in enumerate(surface.blocks):
            error = errors.get(block.get("block_id", ""), "")
            if at == len(self._drawn):
                with self._container:
                    holder = tag("div", classes="bk-block")
                self._drawn.append(_Drawn(block, error, holder))
                self._draw(at)
            elif not _is_same(self._drawn[at].block, block) or self._drawn[at].error != error:
                self._drawn[at] = _Drawn(block, error, self._drawn[at].holder)
                self._draw(at)
        for left in self._drawn[len(surface.blocks) :]:
            left.holder.delete()
        del self._drawn[len(surface.blocks) :]

    def _draw(self, at: int) -> None:
        drawn = self._drawn[at]
        drawn.holder.clear()
        scene = Scene(
            self._tab,
            current=lambda: self._surface,
            redraw=lambda: self._redraw(drawn),
            error=drawn.error,
        )
        with drawn.holder:
            draw_block(drawn.block, scene)

    def _redraw(self, drawn: _Drawn) -> None:
        """Draw a block anew from what is entered, if it still stands."""
        if drawn in self._drawn:
            self._draw(self._drawn.index(drawn))


def _is_same(old: JSON, new: JSON) -> bool:
    """Whether a block looks and acts the same; the block_id of a mere text does not count."""
    if old == new:
        return True
    if any(placed_elements([old, new])):
        return False
    return {**old, "block_id": ""} == {**new, "block_id": ""}
