"""One browser tab: who acts in it, where they are, and how it keeps up with the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nicegui import Client, background_tasks, ui
from nicegui.logging import log

from bot.playground.message import Message, ts_key
from bot.playground.page.opened import OpenedPage
from bot.playground.page.place import Place, link_to
from bot.playground.page.times import Times
from bot.playground.people import ActingPerson
from bot.playground.server import LocalSlack
from bot.playground.workspace import Channel, Workspace

PAUSE = 0.05  # seconds: changes that come closer together are drawn together


class Tab:
    """What everything drawn in it looks at, and acts through.

    `sync` is what makes the screen agree with the workspace and with `place`; the shell sets it.
    It is called, in the tab's own context, after every move and every change.
    """

    def __init__(
        self, page: OpenedPage, client: Client, person: ActingPerson, times: Times, place: Place
    ) -> None:
        self.page = page
        self.place = place
        self.times = times
        self.is_looked_at = False  # until the browser says so
        self.sync: Callable[[], None] = lambda: None
        self.announce: Callable[[Message], None] = lambda _message: None
        self._person = person
        self._client = client
        self._changed: list[Any] = []
        self._heard = self._newest()
        self._stirred = asyncio.Event()

    @property
    def person(self) -> ActingPerson:
        return self._person

    @property
    def slack(self) -> LocalSlack:
        return self.page.slack

    @property
    def workspace(self) -> Workspace:
        return self.page.slack.workspace

    @property
    def channel(self) -> Channel:
        """The channel that is open."""
        return self.workspace.channels[self.place.channel]

    @property
    def now(self) -> float:
        """The workspace's time in epoch seconds."""
        return self.slack.backend.clock()

    def tell(self, text: str) -> None:
        """Show a short notice for a few seconds."""
        if self._client.is_deleted:
            return  # the browser left while what it asked for was under way
        with self._client:
            ui.notify(text, position="bottom", classes="toast")

    def go(self, place: Place) -> None:
        """Move to another place, which the browser's history remembers."""
        if place != self.place:
            ui.navigate.history.push(link_to(place, self.person, self.workspace))
            self.show(place)

    def show(self, place: Place) -> None:
        """Draw another place, as the browser's history asks for it."""
        self.place = place
        self.sync()  # first, as it shows from where on messages are new
        self._read()

    def looked_at(self, is_looked_at: bool) -> None:
        """The browser says whether anyone can see the tab: only then are messages read."""
        self.is_looked_at = is_looked_at
        self._read()

    def follow(self) -> None:
        """Keep up with the workspace for as long as the browser tab is there."""
        stop = self.slack.backend.changes.listen(self._note)
        task = background_tasks.create(self._keep_up(), name=f"tab of {self.person.id}")
        self._client.on_delete(stop)
        self._client.on_delete(lambda: task.cancel())

    def _note(self, changed: Any) -> None:
        self._changed.append(changed)
        self._stirred.set()

    async def _keep_up(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            changed, self._changed = self._changed, []
            with self._client:
                try:
                    self._draw(changed)
                except Exception:  # noqa: BLE001 - what cannot be drawn must not stop the tab
                    log.exception("The page could not be brought up to date")
            await asyncio.sleep(PAUSE)

    def _draw(self, changed: list[Any]) -> None:
        if self.place.channel not in self.workspace.channels:
            return
        self._read()
        self.sync()
        for message in changed:
            if isinstance(message, Message) and ts_key(message.ts) > self._heard:
                self._heard = ts_key(message.ts)
                self._tell_news(message)

    def _read(self) -> None:
        if self.is_looked_at and not self.place.home:
            self.page.reads.mark(self.person.id, self.channel)

    def _newest(self) -> int:
        """The ts key of the last message anywhere: what came before is no news."""
        channels = self.workspace.channels.values()
        stamps = [ts for channel in channels for ts in channel.messages]
        stamps += self.workspace.ephemerals_of(self._person.id)
        return max(map(ts_key, stamps), default=-1)

    def _tell_news(self, message: Message) -> None:
        """Announce a message that is new, if it still stands where the person is."""
        own = self.workspace.ephemerals_of(self.person.id)
        standing = self.channel.messages.get(message.ts) or own.get(message.ts)
        if standing is None or standing.channel != self.place.channel or self.place.home:
            return
        is_in_sight = (
            not standing.is_reply
            or standing.subtype == "thread_broadcast"
            or standing.thread_ts == self.place.thread
        )
        if is_in_sight and standing.user != self.person.id:
            self.announce(standing)
