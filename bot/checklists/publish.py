"""What the channel shall say about a run: its pages, its reminders, its summary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.checklists import notices, view
from bot.checklists.model import Run, run_key
from bot.config.settings import Settings
from bot.slack.message import Message
from bot.slack.posts import Posts
from bot.store.database import Transaction


class Publisher:
    """Writes the posts of runs, in the transaction of the change that they show."""

    def __init__(self, settings: Settings, posts: Posts, groups: notices.Groups) -> None:
        self._settings = settings
        self._posts = posts
        self._groups = groups

    async def pages(self, tx: Transaction, run: Run, now: datetime) -> None:
        """The list itself: the first message in the channel, what it cannot hold in the thread."""
        for page, message in enumerate(view.messages(run, self._settings.timezone, now), 1):
            await self._posts.put(
                tx,
                view.page_key(run, page),
                channel=run.channel,
                message=message,
                under=run.key if page > 1 else "",
                final=not run.under_way(now),
            )

    async def half_time(self, tx: Transaction, run: Run, now: datetime) -> None:
        """The reminder at half time."""
        message = notices.half_time(run, self._settings.timezone, now, self._groups)
        await self._reply(tx, run, "half-time", message)

    async def outcome(self, tx: Transaction, run: Run, now: datetime) -> None:
        """The summary, wherever it stands already: where all was done, where time was up.

        Two posts, because a message that is edited notifies nobody: time being up must be a new
        one also where the list was once complete and opened again.
        """
        message = notices.summary(run, self._settings.timezone, now, self._groups)
        if run.summarised_at:
            await self._reply(tx, run, "summary", message)
        if run.time_up_at:
            await self._reply(tx, run, "time-up", message)

    async def missed(
        self, tx: Transaction, name: str, due_times: Sequence[datetime], made_up_by: str = ""
    ) -> None:
        """Says that postings were missed, or by whom the last of them was made up for."""
        checklist, zone = self._settings.checklists[name], self._settings.timezone
        await self._posts.put(
            tx,
            f"{run_key(name, due_times[-1], 0, zone)}:missed",
            channel=self._settings.slack.channel(checklist.channel),
            message=notices.missed(name, checklist, due_times, zone, made_up_by),
        )

    async def _reply(self, tx: Transaction, run: Run, name: str, message: Message) -> None:
        key = f"{run.key}:{name}"
        await self._posts.put(tx, key, channel=run.channel, message=message, under=run.key)
