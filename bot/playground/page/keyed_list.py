"""Children of one element that follow a list: only what changed is drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from nicegui import ui


class Keyed(Protocol):
    """Something shown once under its key; drawn again when it no longer equals what was drawn."""

    @property
    def key(self) -> str: ...


Item = TypeVar("Item", bound=Keyed)
# Takes an item's next version into what is drawn; False where it has to be drawn anew.
Update = Callable[[Item], bool]


@dataclass
class _Shown(Generic[Item]):
    item: Item
    container: ui.element
    update: Update[Item] | None


class KeyedList(Generic[Item]):
    """`draw` fills the current slot for an item; each has a container of its own in `parent`.

    `draw` may return a function that brings later versions of the item in without a new drawing,
    so that the focus and what is being typed stay where they are.
    """

    def __init__(
        self, parent: ui.element, draw: Callable[[Item], Update[Item] | None], name: str = "div"
    ) -> None:
        self._parent = parent
        self._draw = draw
        self._name = name
        self._shown: dict[str, _Shown[Item]] = {}

    def show(self, items: Sequence[Item]) -> None:
        """Make the children be these items in this order."""
        wanted = {item.key for item in items}
        for key in [key for key in self._shown if key not in wanted]:
            self._shown.pop(key).container.delete()
        for item in items:
            self._bring(item)
        self._sort([self._shown[item.key].container for item in items])

    def _bring(self, item: Item) -> None:
        old = self._shown.get(item.key)
        if old is None:
            with self._parent:
                container = ui.element(self._name)
        elif old.item == item:
            return
        elif old.update is not None and old.update(item):
            old.item = item
            return
        else:
            container = old.container
            container.clear()
        with container:
            self._shown[item.key] = _Shown(item, container, self._draw(item))

    def _sort(self, containers: list[ui.element]) -> None:
        children = self._parent.default_slot.children
        for index, container in enumerate(containers):
            if children[index] is not container:
                container.move(target_index=index)
