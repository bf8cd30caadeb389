"""The messages of a channel or a thread: the newest at first, earlier ones on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.playground.page.keyed_list import KeyedList, Update
from bot.playground.page.message_row import draw_row
from bot.playground.page.rows import Row
from bot.playground.page.tab import Tab
from bot.playground.page.tags import tag

WINDOW = 60  # messages shown at first, and how many more each time


class MessageList:
    """Rows in the current slot, below a button that asks for more of them.

    `limit` is how many messages to show; `again` is called when it has changed.
    """

    def __init__(
        self, tab: Tab, again: Callable[[], None], words: str, *, in_thread: bool = False
    ) -> None:
        self.limit = WINDOW
        self._tab = tab
        self._again = again
        self._in_thread = in_thread
        self._earlier = tag("button", words, "earlier", type="button", data_earlier="")
        self._earlier.on("click", self._show_earlier)
        self._rows = KeyedList(tag("div", classes="rows"), self._draw)

    def show(self, rows: Sequence[Row], *, has_earlier: bool) -> None:
        """Show these messages, and whether there are earlier ones."""
        self._earlier.set_visibility(has_earlier)
        self._rows.show(rows)

    def put_away(self) -> None:
        """Back to the newest: every message on the page makes each change of it slower."""
        if self.limit != WINDOW:
            self.limit = WINDOW
            self._again()

    def _draw(self, row: Row) -> Update[Row]:
        return draw_row(row, self._tab, in_thread=self._in_thread)

    def _show_earlier(self) -> None:
        self.limit += WINDOW
        self._again()
