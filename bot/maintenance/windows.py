"""What happens to maintenances on record. Each change happens in the transaction it is given: the
row, its event, its message, its timers and the channel's topic together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.config.settings import Settings
from bot.errors import NotFound, Refused
from bot.maintenance import store, view
from bot.maintenance.model import State, Window, Wish
from bot.maintenance.notice import Notice, one_line
from bot.maintenance.proof import Proof
from bot.maintenance.publisher import Publisher
from bot.store.database import Transaction
from bot.store.events import Event
from bot.store.queue import Queue

OPSBELL = "opsbell"

BEGIN_JOB = "maintenance.begin"
WARN_JOB = "maintenance.warn"
END_JOB = "maintenance.end"
TOPIC_JOB = "maintenance.topic"
REWRITE_JOB = "maintenance.rewrite"
LOOK_JOB = "maintenance.look"

LOOK_EVERY = timedelta(minutes=1)


class Windows:
    """The changes. A row is held before it is changed, so that they come one after another."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        publisher: Publisher,
        *,
        redact: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._queue = queue
        self._publisher = publisher
        self._redact = redact

    def notice(self, window: Window) -> Notice:
        """What the file says of it."""
        where = self.settings.target(window.target).maintenance
        return Notice(
            target=window.target,
            reason=window.reason,
            by=window.actor,
            since=window.began,
            until=window.until,
            allow=tuple(str(network) for network in where.allow) if where else (),
            operation=window.on_operation or 0,
            before=window.before,
        )

    async def schedule(self, tx: Transaction, wish: Wish, starts: datetime) -> Window:
        """Puts one on record for later; `wish.length` is set. Raises Refused where it meets
        another that is to come."""
        ends = starts + (wish.length or timedelta())
        for other in await store.scheduled(tx, wish.target):
            if other.overlaps(starts, ends):
                raise Refused(
                    f"Not scheduled: maintenance {other.id} of {wish.target} is planned for"
                    f" {view.span(other, self.settings.timezone)}.",
                    hint=f"Cancel that with /maintenance cancel {other.id}.",
                )
        window = await store.insert(tx, self._new(wish, State.SCHEDULED, starts=starts))
        for at in (starts, ends):  # at its end it is missed, if it could not begin
            await self._queue.defer(tx, BEGIN_JOB, {"window": window.id}, at=at)
        await self._changed(tx, window, "maintenance.scheduled", wish.actor)
        return window

    async def begin(self, tx: Transaction, wish: Wish, operation: int, *, before: bool) -> Window:
        """Puts on record that an operation is about to make the file.

        One that was scheduled and whose end has passed meanwhile is missed instead.
        """
        found = await store.turned_on_by(tx, operation)
        if found:
            return found
        await self._close_forgotten(tx, wish.target)
        now = self.clock()
        window = await store.lock(tx, wish.scheduled) if wish.scheduled else None
        if window and window.state is not State.SCHEDULED:
            raise Refused(f"Maintenance {window.id} is {window.state.value}.")
        if window and window.planned_end and window.planned_end <= now:
            missed = replace(window, state=State.MISSED, ended=now)
            await self._save(tx, missed, "maintenance.missed", OPSBELL)
            return missed
        base = window or self._new(wish, State.BEGINNING)
        until = base.planned_end or (now + base.length if base.length else None)
        began = replace(
            base,
            state=State.BEGINNING,
            on_operation=operation,
            began=now,
            until=until,
            before=before,
        )
        if window is None:
            return await store.insert(tx, began)
        await store.save(tx, began)
        return began

    async def began(self, tx: Transaction, number: int) -> Window:
        """The file is there: from now on it is on, and ends by itself where it has an end."""
        window = await self._hold(tx, number)
        if window.state is State.BEGINNING:
            window = await self.look_again(tx, replace(window, state=State.ON))
            await self._set_timers(tx, window)
            await self._save(tx, window, "maintenance.began", window.actor)
        return window

    async def proved(self, tx: Transaction, number: int, proof: Proof) -> None:
        """Keeps what the page answered. Where that is wrong, the channel hears of it anew."""
        window = await self._hold(tx, number)
        trouble = "" if proof.sound else proof.said
        window = replace(window, proven=proof.sound, trouble=trouble)
        await store.save(tx, window)
        await self._publisher.live(tx, window)
        if not proof.sound:
            detail = {"url": proof.url, "said": proof.said}
            tx.record(_event(window, "maintenance.unproven", OPSBELL, "failed", detail))
            await self._publisher.mismatch(tx, window, proof)

    async def undone(self, tx: Transaction, operation: int) -> None:
        """The file that the operation made is gone again."""
        window = await store.turned_on_by(tx, operation)
        if window:
            window = replace(window, state=State.UNDONE, ended=self.clock(), trouble="")
            await self._save(tx, window, "maintenance.undone", OPSBELL)

    async def ending(
        self, tx: Transaction, target: str, operation: int, there: Notice | None
    ) -> Window | None:
        """Puts on record that an operation is about to remove the file that is there.

        None where nothing is on record and there is no file. One made by hand gets a record, so
        that it can be made again if this is undone.
        """
        window = await store.lock_active(tx, target)
        if window is None:
            if there is None:
                return None
            wish = Wish(target, actor=there.by, reason=there.reason, embedded=True)
            found = replace(self._new(wish, State.ENDING), before=True, began=self.clock())
            window = await store.insert(tx, found)
        window = replace(window, state=State.ENDING, off_operation=operation)
        await store.save(tx, window)
        return window

    async def ended(self, tx: Transaction, number: int, actor: str) -> None:
        """The file is gone: it is over."""
        window = await self._hold(tx, number)
        if window.state is State.ENDING:
            over = replace(_closed(window), ended=self.clock(), ended_by=actor)
            await self._save(tx, over, "maintenance.ended", actor)
            await self._publisher.warned(tx, over)

    async def reopened(self, tx: Transaction, number: int) -> None:
        """The operation that ended it was undone, and the file is there again."""
        window = await self._hold(tx, number)
        on = replace(window, state=State.ON, proven=None, trouble="")
        on = replace(on, ended=None, ended_by="", off_operation=None)
        on = await self.look_again(tx, on)
        await self._set_timers(tx, on)
        await self._save(tx, on, "maintenance.reopened", OPSBELL)

    async def extend(
        self, tx: Transaction, number: int, by: timedelta, actor: str, seen: int | None = None
    ) -> Window:
        """Moves its end. `seen` is the end (epoch, seconds) that the person saw when asking, so
        that two clicks are one extension. Raises NotFound and Refused."""
        window = await self._hold(tx, number)
        if window.state not in (State.BEGINNING, State.ON):
            raise Refused(f"Not extended: maintenance {number} is {window.state.value}.")
        if window.until is None:
            raise Refused(
                f"Not extended: the maintenance of {window.target} has no end.",
                hint="It stays on until /maintenance off.",
            )
        if seen and seen != int(window.until.timestamp()):
            end = view.clock_time(window.until, self.settings.timezone)
            raise Refused(f"Not extended again: it ends at {end} now.")
        window = replace(window, until=window.extended(by, self.clock()))
        await self._set_timers(tx, window)
        await self._queue.defer(
            tx, REWRITE_JOB, {"target": window.target}, lock=f"target:{window.target}"
        )
        await self._save(tx, window, "maintenance.extended", actor)
        await self._publisher.warned(tx, window)
        return window

    async def warn(self, tx: Transaction, number: int, until: datetime) -> None:
        """Warns of an end that is near, once, unless it has moved meanwhile."""
        window = await store.lock(tx, number)
        if not window or window.state is not State.ON or window.until != until:
            return
        if window.warned == until or self.clock() >= until:
            return
        window = replace(window, warned=until)
        await self._save(tx, window, "maintenance.warned", OPSBELL)
        await self._publisher.warning(tx, window, until)

    async def cancel(self, tx: Transaction, number: int, actor: str) -> Window:
        """Takes back one that was scheduled. Raises NotFound and Refused."""
        window = await self._hold(tx, number)
        if window.state is not State.SCHEDULED:
            hint = "End it with /maintenance off." if window.state.active else ""
            raise Refused(
                f"Not cancelled: maintenance {number} is {window.state.value}.", hint=hint
            )
        window = replace(window, state=State.CANCELLED, ended=self.clock(), ended_by=actor)
        await self._save(tx, window, "maintenance.cancelled", actor)
        return window

    async def join(self, tx: Transaction, scheduled: Window, running: Window) -> None:
        """One that was scheduled finds its target in maintenance: that one lasts as long."""
        if running.until and scheduled.planned_end and running.until < scheduled.planned_end:
            longer = scheduled.planned_end - running.until
            await self.extend(tx, running.id, longer, scheduled.actor)
        joined = replace(
            scheduled,
            state=State.OVER,
            ended=self.clock(),
            ended_by=OPSBELL,
            reason=f"{scheduled.reason} (joined maintenance {running.id})".strip(),
        )
        await self._save(tx, joined, "maintenance.joined", OPSBELL)

    async def missed(self, tx: Transaction, window: Window) -> None:
        """Its time passed without it."""
        missed = replace(window, state=State.MISSED, ended=self.clock())
        await self._save(tx, missed, "maintenance.missed", OPSBELL)

    async def vanished(self, tx: Transaction, window: Window) -> None:
        """Its file was removed by somebody else, so it is over."""
        over = replace(_closed(window), ended=self.clock())
        await self._save(tx, over, "maintenance.found_ended", OPSBELL)
        await self._publisher.warned(tx, over)

    async def left_on(self, tx: Transaction, window: Window) -> None:
        """The operation that it belongs to has ended and left it on: from now on it is told of
        by itself."""
        await self._save(tx, replace(window, embedded=False), "maintenance.left_on", OPSBELL)

    async def look_again(self, tx: Transaction, window: Window) -> Window:
        """Has it looked after in a minute; the same with the number of that look, to be saved.

        The number makes one look follow another, also where a job is handled twice.
        """
        window = replace(window, looks=window.looks + 1)
        arguments = {"window": window.id, "look": window.looks}
        await self._queue.defer(tx, LOOK_JOB, arguments, at=self.clock() + LOOK_EVERY)
        return window

    async def topic_trouble(self, tx: Transaction, number: int, trouble: str) -> None:
        """Keeps why the channel's topic does not say it."""
        window = await self._hold(tx, number)
        if window.topic_trouble != trouble:
            window = replace(window, topic_trouble=trouble)
            await store.save(tx, window)
            await self._publisher.live(tx, window)

    def _new(self, wish: Wish, state: State, *, starts: datetime | None = None) -> Window:
        return Window(
            id=0,
            target=wish.target,
            state=state,
            actor=wish.actor,
            asked=self.clock(),
            reason=one_line(self._redact(wish.reason)),
            starts=starts,
            length=wish.length,
            embedded=wish.embedded,
        )

    async def _close_forgotten(self, tx: Transaction, target: str) -> None:
        """Ends one on record whose file somebody has removed by hand."""
        window = await store.lock_active(tx, target)
        if window:
            await self.vanished(tx, window)

    async def _hold(self, tx: Transaction, number: int) -> Window:
        window = await store.lock(tx, number)
        if window is None:
            raise NotFound(f"There is no maintenance {number}.")
        return window

    async def _save(self, tx: Transaction, window: Window, action: str, actor: str) -> None:
        await store.save(tx, window)
        await self._changed(tx, window, action, actor)

    async def _changed(self, tx: Transaction, window: Window, action: str, actor: str) -> None:
        detail = {"reason": window.reason, "until": str(window.until or "")}
        tx.record(_event(window, action, actor, "ok", detail))
        await self._publisher.live(tx, window)
        if not window.embedded and window.state is not State.SCHEDULED:
            await self._queue.defer(
                tx,
                TOPIC_JOB,
                {"channel": self._publisher.channel},
                lock=f"topic:{self._publisher.channel}",
            )

    async def _set_timers(self, tx: Transaction, window: Window) -> None:
        """Jobs for its end and the warning before; each says which end it is for."""
        if window.until is None:
            return
        arguments = {"window": window.id, "until": window.until.isoformat()}
        if warns_at := window.warns_at():
            await self._queue.defer(tx, WARN_JOB, arguments, at=warns_at)
        await self._queue.defer(tx, END_JOB, arguments, at=window.until)


def _closed(window: Window) -> Window:
    """It is over, and what its page answers now was not looked at."""
    return replace(window, state=State.OVER, proven=None, trouble="")


def _event(
    window: Window, action: str, actor: str, outcome: str, detail: Mapping[str, Any]
) -> Event:
    return Event(actor, action, window.key, window.target, outcome, detail)
