"""A scrolling list of messages that stays at its end while new ones come, unless scrolled up."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui


class Scroller(ui.element, component="scroller.js"):
    """`label` is its name for those who do not see it."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.props["label"] = label

    def to_end(self) -> None:
        """Scroll to the newest message and stay there."""
        self.run_method("toEnd")

    def on_end(self, handler: Callable[[], None]) -> None:
        """Call `handler` when the reader has come back to the end."""
        self.on("end", lambda: handler())
