"""The clock: acts on each due time once, whatever restarts, replicas or clock changes.

One replica, the one that holds the scheduler's advisory lock, runs APScheduler. What it runs at
each due time is a sweep: every due time since the last one dealt with is claimed by a row in
`ticks`, in the transaction that acts on it. So catching up after an outage, a tick on time, and
two replicas that both believe to lead are all the same code.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.cancelling import being_cancelled
from bot.config.cron import CronLine
from bot.errors import OpsbellError
from bot.store import ticks
from bot.store.database import Database, Transaction
from bot.store.locks import held_lock
from bot.words import utc_now

logger = logging.getLogger(__name__)

LEADER_POLL = timedelta(seconds=2)
SWEEP_INTERVAL = timedelta(seconds=60)
# By less a clock is corrected every day.
SET_BACK = timedelta(minutes=5)
# A due time acted on within this is on time: the process may have been busy.
ON_TIME = timedelta(minutes=1)


@dataclass(frozen=True)
class Scheduled:
    """Something the clock does, under a name that stays the same across restarts.

    `fire` acts on one due time in the transaction that claims it, at most `catch_up` late.
    `missed` is told, in one call, of all due times that were found too late.
    """

    name: str
    cron: CronLine
    catch_up: timedelta
    fire: Callable[[Transaction, datetime], Awaitable[None]]
    missed: Callable[[Transaction, Sequence[datetime]], Awaitable[None]]


@dataclass(frozen=True)
class Upcoming:
    """The next due time of something scheduled."""

    name: str
    at: datetime


class CronTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """A cron line as APScheduler wants it; its own reader counts weekdays otherwise."""

    def __init__(self, cron: CronLine, zone: ZoneInfo) -> None:
        self._cron = cron
        self._zone = zone

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return self._cron.next_after((previous or now).astimezone(self._zone))


class Clock:
    """Runs what is scheduled, on the one replica that leads."""

    def __init__(
        self,
        database: Database,
        zone: ZoneInfo,
        scheduled: Sequence[Scheduled],
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._zone = zone
        self._scheduled = tuple(scheduled)
        self._now = now

    def upcoming(self) -> list[Upcoming]:
        """The next due time of everything scheduled, soonest first."""
        now = self._now().astimezone(self._zone)
        listed = [Upcoming(s.name, s.cron.next_after(now)) for s in self._scheduled]
        return sorted(listed, key=lambda upcoming: upcoming.at)

    async def run(self) -> None:
        """Leads whenever nobody else does, until cancelled."""
        while True:
            try:
                async with held_lock(self._database.url, "clock") as connection:
                    await self._lead(connection)
            except (psycopg.Error, OpsbellError) as error:
                if being_cancelled():
                    raise asyncio.CancelledError from error
                logger.warning("clock paused", extra={"error": str(error)})
            await asyncio.sleep(LEADER_POLL.total_seconds())

    async def sweep(self, scheduled: Scheduled) -> None:
        """Acts on every due time since the last one that was dealt with."""
        now = self._now()
        await ticks.forget_ahead(self._database, scheduled.name, now)
        last = await ticks.last(self._database, scheduled.name, now)
        if last is None:
            # Nothing was due before it was first seen.
            async with self._database.transaction() as tx:
                await ticks.claim(tx, scheduled.name, now, "first seen")
            return
        due = list(scheduled.cron.between(last, now, self._zone))
        latest = max(scheduled.catch_up, ON_TIME)
        missed = [at for at in due if now - at > latest]
        if missed:
            async with self._database.transaction() as tx:
                claimed = [
                    at for at in missed if await ticks.claim(tx, scheduled.name, at, "missed")
                ]
                if claimed:
                    await scheduled.missed(tx, claimed)
        for at in due[len(missed) :]:
            async with self._database.transaction() as tx:
                if await ticks.claim(tx, scheduled.name, at, "done"):
                    await scheduled.fire(tx, at)

    async def sweep_all(self) -> None:
        """One sweep of everything; trouble with one thing keeps none of the others."""
        for scheduled in self._scheduled:
            await self._sweep_safely(scheduled)

    async def _sweep_safely(self, scheduled: Scheduled) -> None:
        try:
            await self.sweep(scheduled)
        except Exception:
            # The claim was rolled back with the rest: the next sweep tries again.
            logger.exception("sweep failed", extra={"scheduled": scheduled.name})

    async def _lead(self, connection: psycopg.AsyncConnection) -> None:
        scheduler = AsyncIOScheduler(timezone=self._zone)
        options = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        for scheduled in self._scheduled:
            trigger = CronTrigger(scheduled.cron, self._zone)
            scheduler.add_job(self._sweep_safely, trigger, args=[scheduled], **options)
        # Also without a due time: after a sleep of the machine, timers come late.
        scheduler.add_job(
            self.sweep_all, "interval", seconds=SWEEP_INTERVAL.total_seconds(), **options
        )
        await self.sweep_all()
        scheduler.start()
        try:
            seen = self._now()
            while self._now() > seen - SET_BACK:
                seen = max(seen, self._now())
                await connection.execute("select 1")
                await asyncio.sleep(LEADER_POLL.total_seconds())
            # The scheduler would wait until it is as late again as it was.
            logger.warning("the machine's clock was set back")
        finally:
            scheduler.shutdown(wait=False)
