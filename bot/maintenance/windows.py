"""What becomes of maintenances as their files come and go, on record."""

from __future__ import annotations

from dataclasses import replace

from bot.errors import Refused
from bot.maintenance import store
from bot.maintenance.model import State, Window, Wish, unknown
from bot.maintenance.notice import Notice
from bot.maintenance.proof import Proof
from bot.maintenance.records import OPSBELL, Records, event_of
from bot.store.database import Transaction


class Windows:
    """The changes that steps and looks at the file make."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def begin(self, tx: Transaction, wish: Wish, operation: int, *, before: bool) -> Window:
        """Puts on record that an operation is about to make the file.

        One that was scheduled and whose end has passed meanwhile is missed instead.
        """
        found = await store.turned_on_by(tx, operation)
        if found:
            return found
        await self._close_forgotten(tx, wish.target)
        now = self._records.clock()
        window = await store.lock(tx, wish.scheduled) if wish.scheduled else None
        if window and window.state is not State.SCHEDULED:
            raise Refused(f"Maintenance {window.id} is {window.state.value}.")
        if window and window.planned_end and window.planned_end <= now:
            missed = replace(window, state=State.MISSED, ended=now)
            await self._records.save(tx, missed, "maintenance.missed", OPSBELL)
            return missed
        base = window or self._records.new(wish, State.BEGINNING)
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
        window = await self._records.hold(tx, number)
        if window.state is State.BEGINNING:
            window = await self._records.look_again(tx, replace(window, state=State.ON))
            await self._records.set_timers(tx, window)
            await self._records.save(tx, window, "maintenance.began", window.actor)
        return window

    async def proved(self, tx: Transaction, number: int, proof: Proof) -> None:
        """Keeps what the page answered. Where that is wrong, the channel hears of it anew."""
        window = await self._records.hold(tx, number)
        trouble = "" if proof.sound else proof.said
        window = replace(window, proven=proof.sound, trouble=trouble)
        await store.save(tx, window)
        await self._records.publisher.live(tx, window)
        if not proof.sound:
            detail = {"url": proof.url, "said": proof.said}
            tx.record(event_of(window, "maintenance.unproven", OPSBELL, "failed", detail))
            await self._records.publisher.mismatch(tx, window, proof)

    async def undone(self, tx: Transaction, operation: int) -> None:
        """The file that the operation made is gone again."""
        window = await store.turned_on_by(tx, operation)
        if window:
            window = replace(window, state=State.UNDONE, ended=self._records.clock(), trouble="")
            await self._records.save(tx, window, "maintenance.undone", OPSBELL)

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
            found = replace(
                self._records.new(wish, State.ENDING), before=True, began=self._records.clock()
            )
            window = await store.insert(tx, found)
        window = replace(window, state=State.ENDING, off_operation=operation)
        await store.save(tx, window)
        return window

    async def ended(self, tx: Transaction, number: int, actor: str) -> None:
        """The file is gone: it is over."""
        window = await self._records.hold(tx, number)
        if window.state is State.ENDING:
            over = replace(_closed(window), ended=self._records.clock(), ended_by=actor)
            await self._records.save(tx, over, "maintenance.ended", actor)
            await self._records.publisher.warned(tx, over)

    async def reopened(self, tx: Transaction, number: int) -> None:
        """The operation that ended it was undone, and the file is there again."""
        window = await self._records.hold(tx, number)
        on = replace(window, state=State.ON, proven=None, trouble="")
        on = replace(on, ended=None, ended_by="", off_operation=None)
        on = await self._records.look_again(tx, on)
        await self._records.set_timers(tx, on)
        await self._records.save(tx, on, "maintenance.reopened", OPSBELL)

    async def vanished(self, tx: Transaction, window: Window) -> None:
        """Its file was removed by somebody else, so it is over."""
        over = replace(_closed(window), ended=self._records.clock())
        await self._records.save(tx, over, "maintenance.found_ended", OPSBELL)
        await self._records.publisher.warned(tx, over)

    async def abandoned(self, tx: Transaction, window: Window) -> None:
        """Its target left the configuration, so nobody here can end it. It is told of by itself,
        also where it belongs to an operation: that cannot end it either."""
        over = replace(_closed(window), state=State.ABANDONED, trouble=unknown(window.target))
        over = replace(over, ended=self._records.clock(), embedded=False)
        await self._records.save(tx, over, "maintenance.abandoned", OPSBELL)
        await self._records.publisher.warned(tx, over)

    async def left_on(self, tx: Transaction, window: Window) -> None:
        """The operation that it belongs to has ended and left it on: from now on it is told of
        by itself."""
        await self._records.save(
            tx, replace(window, embedded=False), "maintenance.left_on", OPSBELL
        )

    async def topic_trouble(self, tx: Transaction, number: int, trouble: str) -> None:
        """Keeps why the channel's topic does not say it."""
        window = await self._records.hold(tx, number)
        if window.topic_trouble != trouble:
            window = replace(window, topic_trouble=trouble)
            await store.save(tx, window)
            await self._records.publisher.live(tx, window)

    async def _close_forgotten(self, tx: Transaction, target: str) -> None:
        """Ends one on record whose file somebody has removed by hand."""
        window = await store.lock_active(tx, target)
        if window:
            await self.vanished(tx, window)


def _closed(window: Window) -> Window:
    """It is over, and what its page answers now was not looked at."""
    return replace(window, state=State.OVER, proven=None, trouble="")
