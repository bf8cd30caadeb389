"""When maintenances begin and end, on record: what people schedule, extend and cancel, and what
comes when its time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot import words
from bot.errors import Refused
from bot.maintenance import store, view
from bot.maintenance.model import State, Window, Wish
from bot.maintenance.records import BEGIN_JOB, OPSBELL, REWRITE_JOB, Records
from bot.slack.blocks import without_moments
from bot.store.database import Transaction


class Calendar:
    """The changes of times."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def schedule(self, tx: Transaction, wish: Wish, starts: datetime) -> Window:
        """Puts one on record for later; `wish.length` is set. Raises Refused where it meets
        another that is to come."""
        ends = starts + (wish.length or timedelta())
        for other in await store.scheduled(tx, wish.target):
            if other.overlaps(starts, ends):
                raise Refused(
                    f"Not scheduled: maintenance {other.id} of {wish.target} is planned for"
                    f" {without_moments(view.span(other, self._records.settings.timezone))}.",
                    hint=f"Cancel that with /maintenance cancel {other.id}.",
                )
        window = await store.insert(tx, self._records.new(wish, State.SCHEDULED, starts=starts))
        for at in (starts, ends):  # at its end it is missed, if it could not begin
            await self._records.queue.defer(tx, BEGIN_JOB, {"window": window.id}, at=at)
        await self._records.changed(tx, window, "maintenance.scheduled", wish.actor)
        return window

    async def extend(
        self, tx: Transaction, number: int, by: timedelta, actor: str, seen: int | None = None
    ) -> Window:
        """Moves its end. `seen` is the end (epoch, seconds) that the person saw when asking, so
        that two clicks are one extension. Raises NotFound and Refused."""
        window = await self._records.hold(tx, number)
        if window.state not in (State.BEGINNING, State.ON):
            raise Refused(f"Not extended: maintenance {number} is {window.state.value}.")
        if window.until is None:
            raise Refused(
                f"Not extended: the maintenance of {window.target} has no end.",
                hint="It stays on until /maintenance off.",
            )
        if seen and seen != int(window.until.timestamp()):
            end = words.moment(window.until, self._records.settings.timezone)
            raise Refused(f"Not extended again: it now lasts until {end}.")
        window = replace(window, until=window.extended(by, self._records.clock()))
        await self._records.set_timers(tx, window)
        await self._records.queue.defer(
            tx, REWRITE_JOB, {"target": window.target}, lock=f"target:{window.target}"
        )
        await self._records.save(tx, window, "maintenance.extended", actor)
        await self._records.publisher.warned(tx, window)
        return window

    async def warn(self, tx: Transaction, number: int, until: datetime) -> None:
        """Warns of an end that is near, once, unless it has moved meanwhile."""
        window = await store.lock(tx, number)
        if not window or window.state is not State.ON or window.until != until:
            return
        now = self._records.clock()
        if window.warned == until or now >= until:
            return
        window = replace(window, warned=until)
        await self._records.save(tx, window, "maintenance.warned", OPSBELL)
        await self._records.publisher.warning(tx, window, until, now)

    async def cancel(self, tx: Transaction, number: int, actor: str) -> Window:
        """Takes back one that was scheduled. Raises NotFound and Refused."""
        window = await self._records.hold(tx, number)
        if window.state is not State.SCHEDULED:
            hint = "End it with /maintenance off." if window.state.active else ""
            raise Refused(
                f"Not cancelled: maintenance {number} is {window.state.value}.", hint=hint
            )
        window = replace(window, state=State.CANCELLED, ended=self._records.clock(), ended_by=actor)
        await self._records.save(tx, window, "maintenance.cancelled", actor)
        return window

    async def join(self, tx: Transaction, scheduled: Window, running: Window) -> None:
        """One that was scheduled finds its target in maintenance: that one lasts as long."""
        if running.until and scheduled.planned_end and running.until < scheduled.planned_end:
            longer = scheduled.planned_end - running.until
            await self.extend(tx, running.id, longer, scheduled.actor)
        joined = replace(
            scheduled,
            state=State.OVER,
            ended=self._records.clock(),
            ended_by=OPSBELL,
            reason=f"{scheduled.reason} (joined maintenance {running.id})".strip(),
        )
        await self._records.save(tx, joined, "maintenance.joined", OPSBELL)

    async def missed(self, tx: Transaction, window: Window, trouble: str = "") -> None:
        """Its time passed without it, or `trouble` keeps it from beginning at all."""
        now = self._records.clock()
        missed = replace(window, state=State.MISSED, ended=now, trouble=trouble)
        await self._records.save(tx, missed, "maintenance.missed", OPSBELL)
