"""The bar below a message that tells of its thread and opens it."""

from __future__ import annotations

from bot.playground.message import Message
from bot.playground.page.names import avatar, display_name
from bot.playground.page.rows import Thread
from bot.playground.page.tab import Tab
from bot.playground.page.tags import html, tag

FACES = 3  # people shown by their pictures


class ThreadBar:
    """Hidden while there are no replies; `show` changes it in place, so that the focus stays."""

    def __init__(self, message: Message, tab: Tab) -> None:
        self._tab = tab
        self._button = tag("button", classes="thread-bar", type="button")
        self._button.on("click", lambda: tab.go(tab.place.with_thread(message.ts)))
        with self._button:
            self._faces = html("", "span", "faces")
            self._count = tag("span", classes="thread-count")
            self._last = tag("span", classes="thread-last")

    def show(self, thread: Thread | None) -> None:
        """Tell of the thread as it is now."""
        self._button.set_visibility(thread is not None)
        if thread is None:
            return
        self._faces.content = "".join(self._face(user) for user in thread.people[:FACES])
        self._count.text = f"{thread.replies} {'reply' if thread.replies == 1 else 'replies'}"
        self._last.text = f"last {self._when(thread.last)}"

    def _face(self, user: str) -> str:
        is_app = user == self._tab.slack.backend.bot_id
        return avatar(display_name(self._tab.workspace, user), is_app=is_app, classes="small")

    def _when(self, ts: str) -> str:
        tab = self._tab
        day = tab.times.day(ts, tab.now)
        return f"{day.lower() if day in ('Today', 'Yesterday') else day} at {tab.times.clock(ts)}"
