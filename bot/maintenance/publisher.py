"""What the channel hears of maintenances: one live message each, and what has to be said anew,
since a message that is edited notifies nobody."""

from __future__ import annotations

from datetime import datetime

from bot.config.settings import Settings
from bot.maintenance import view
from bot.maintenance.model import Window
from bot.maintenance.proof import ON, Proof
from bot.slack.posts import Posts
from bot.store.database import Transaction


class Publisher:
    """Writes the posts in the transaction of the change that they show."""

    def __init__(self, settings: Settings, posts: Posts) -> None:
        self._settings = settings
        self._posts = posts

    @property
    def channel(self) -> str:
        """Where maintenances are told of."""
        return self._settings.slack.channel("ops")

    async def live(self, tx: Transaction, window: Window) -> None:
        """The one message. Of one that is embedded its operation's message tells."""
        if not window.embedded:
            told = view.message(window, self._settings.timezone)
            await self._posts.put(
                tx, window.key, channel=self.channel, message=told, final=window.state.final
            )

    async def mismatch(self, tx: Transaction, window: Window, proof: Proof) -> None:
        """The page does not answer as it should."""
        when = "on" if proof.wanted == ON else "off"
        key = f"{window.key}:{when}:mismatch"
        await self._posts.put(tx, key, channel=self.channel, message=view.mismatch(window, proof))

    async def warning(
        self, tx: Transaction, window: Window, until: datetime, now: datetime
    ) -> None:
        """The end is near."""
        told = view.warning(window, self._settings.timezone, now)
        await self._posts.put(tx, _warning_key(window, until), channel=self.channel, message=told)

    async def warned(self, tx: Transaction, window: Window) -> None:
        """Takes the buttons off the last warning: it was heeded, or all is over."""
        if window.warned:
            told = view.warned(window, self._settings.timezone)
            key = _warning_key(window, window.warned)
            await self._posts.put(tx, key, channel=self.channel, message=told, final=True)


def _warning_key(window: Window, until: datetime) -> str:
    return f"{window.key}:warning:{int(until.timestamp())}"
