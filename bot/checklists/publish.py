"""What the channel shall say about a run: its pages, its reminders, its summary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.checklists import notices, view
from bot.checklists.model import Reminder, Run, run_key
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
            under = run.key if page > 1 else ""
            await self._put(tx, view.page_key(run, page), run.channel, message, under)

    async def half_time(self, tx: Transaction, run: Run, now: datetime) -> None:
        """The reminder at half time."""
        message = notices.half_time(run, self._settings.timezone, now, self._groups)
        await self._put(tx, f"{run.key}:half-time", run.channel, message, run.key)

    async def outcome(self, tx: Transaction, run: Run, now: datetime) -> None:
        """The summary, wherever it stands already: where all was done, where time was up.

        Two posts, because a message that is edited notifies nobody: time being up must be a new
        one also where the list was once complete and opened again.
        """
        message = notices.summary(run, self._settings.timezone, now, self._groups)
        if run.summarised_at:
            await self._put(tx, f"{run.key}:summary", run.channel, message, run.key)
        if run.time_up_at:
            await self._put(tx, f"{run.key}:{Reminder.TIME_UP}", run.channel, message, run.key)

    async def missed(
        self, tx: Transaction, name: str, due_times: Sequence[datetime], made_up_by: str = ""
    ) -> None:
        """Says that postings were missed, or by whom the last of them was made up for."""
        checklist = self._settings.checklists[name]
        zone = self._settings.timezone
        message = notices.missed(name, checklist, due_times, zone, made_up_by)
        channel = self._settings.slack.channel(checklist.channel)
        await self._put(tx, f"{run_key(name, due_times[-1], 0, zone)}:missed", channel, message)

    async def _put(
        self, tx: Transaction, key: str, channel: str, message: Message, under: str = ""
    ) -> None:
        await self._posts.put(tx, key, channel=channel, message=message, under=under)
