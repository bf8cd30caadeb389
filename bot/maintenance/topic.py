"""The channel's topic says which targets are in maintenance, before what it said otherwise.

What it said is on record before it is changed, and comes back at the end where the topic is still
Opsbell's: one that somebody has set meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot import words
from bot.errors import NotFound
from bot.maintenance import store
from bot.maintenance.model import State, Window
from bot.maintenance.windows import Windows
from bot.slack.client import SlackRefused
from bot.slack.topics import LONGEST, Topics
from bot.store.database import Database

_BEGINNING = "In maintenance: "
_BETWEEN = " | "


def wanted(windows: Sequence[Window], previous: str, zone: ZoneInfo) -> str:
    """What the topic should be while these are on; `previous` is cut where it does not fit."""
    ours = _BEGINNING + ", ".join(
        f"{w.target} until {_end(w, w.until, zone)}" if w.until else w.target for w in windows
    )
    text = _BETWEEN.join(filter(None, (ours, previous)))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _end(window: Window, until: datetime, zone: ZoneInfo) -> str:
    """The hour alone where that is on the day on which it began."""
    days = {moment.astimezone(zone).date() for moment in (window.began or until, until)}
    return f"{until.astimezone(zone):%H:%M %Z}" if len(days) == 1 else words.moment(until, zone)


class TopicKeeper:
    """The job that makes a channel's topic follow what is on record. One runs at a time per
    channel."""

    def __init__(
        self, database: Database, windows: Windows, topics: Topics, zone: ZoneInfo
    ) -> None:
        self._database = database
        self._windows = windows
        self._topics = topics
        self._zone = zone

    async def follow(self, channel: str) -> None:
        """Sets the topic, or gives it back. Raises SlackAway and RateLimited, to be tried again;
        that Slack does not let us is told in the maintenance's message."""
        async with self._database.transaction() as tx:
            active = [w for w in await store.active(tx) if not w.embedded]
        on = [w for w in active if w.state is not State.BEGINNING]
        try:
            await self._follow(channel, on)
        except SlackRefused as error:
            told = f"The channel's topic does not say it: {_reason(error)}."
        except NotFound as error:
            told = f"The channel's topic does not say it: {error}"
        else:
            told = ""
        async with self._database.transaction() as tx:
            for window in on:
                await self._windows.topic_trouble(tx, window.id, told)

    async def _follow(self, channel: str, on: Sequence[Window]) -> None:
        place = await self._topics.channel(channel)
        if place is None:
            raise NotFound(f"Opsbell is not in #{channel}.")
        now = await self._topics.read(place)
        async with self._database.transaction() as tx:
            kept = await store.topic(tx, channel)
        ours = kept if kept and kept.wrote(now) else None
        if not on:
            if ours:
                await self._topics.write(place, ours.previous)
            async with self._database.transaction() as tx:
                await store.forget_topic(tx, channel)
            return
        previous = ours.previous if ours else now
        text = wanted(on, previous, self._zone)
        if text == now:
            return
        to_write = store.Topic(text, previous, replaced=now if ours else None)
        async with self._database.transaction() as tx:
            await store.keep_topic(tx, channel, to_write)
        written = await self._topics.write(place, text)
        if written != text:
            async with self._database.transaction() as tx:
                await store.keep_topic(tx, channel, store.Topic(written, previous))


def _reason(error: SlackRefused) -> str:
    if error.code == "missing_scope":
        needed = f" {error.details[0]}" if error.details else ""
        return f"the app lacks the right{needed}, which opsbell manifest has"
    return error.code
