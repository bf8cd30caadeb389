"""What every change of a maintenance's record is made of: the row, its event, its message, its
timers and the channel's topic, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.config.settings import Settings
from bot.errors import NotFound
from bot.maintenance import store
from bot.maintenance.model import State, Window, Wish
from bot.maintenance.notice import Notice, one_line
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


class Records:
    """The parts of a change. A row is held before it is changed, so that changes come one after
    another."""

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
        self.queue = queue
        self.publisher = publisher
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

    def new(self, wish: Wish, state: State, *, starts: datetime | None = None) -> Window:
        """A new one, as it was wished; its reason is one line without secrets."""
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

    def is_known(self, target: str) -> bool:
        """Whether a target can be switched: a configuration may have lost one since."""
        found = self.settings.targets.get(target)
        return found is not None and found.maintenance is not None

    async def hold(self, tx: Transaction, number: int) -> Window:
        """One, held until the transaction ends. Raises NotFound."""
        window = await store.lock(tx, number)
        if window is None:
            raise NotFound(f"There is no maintenance {number}.")
        return window

    async def save(self, tx: Transaction, window: Window, action: str, actor: str) -> None:
        """Saves what has become of one, and tells of it."""
        await store.save(tx, window)
        await self.changed(tx, window, action, actor)

    async def changed(self, tx: Transaction, window: Window, action: str, actor: str) -> None:
        """Tells of a change: in the log, in its message, and in the channel's topic."""
        detail = {"reason": window.reason, "until": str(window.until or "")}
        tx.record(event_of(window, action, actor, "ok", detail))
        await self.publisher.live(tx, window)
        if not window.embedded and window.state is not State.SCHEDULED:
            await self.queue.defer(
                tx,
                TOPIC_JOB,
                {"channel": self.publisher.channel},
                lock=f"topic:{self.publisher.channel}",
            )

    async def set_timers(self, tx: Transaction, window: Window) -> None:
        """Jobs for its end and the warning before; each says which end it is for."""
        if window.until is None:
            return
        arguments = {"window": window.id, "until": window.until.isoformat()}
        if warns_at := window.warns_at():
            await self.queue.defer(tx, WARN_JOB, arguments, at=warns_at)
        await self.queue.defer(tx, END_JOB, arguments, at=window.until)

    async def look_again(self, tx: Transaction, window: Window) -> Window:
        """Has it looked after in a minute; the same with the number of that look, to be saved.

        The number makes one look follow another, also where a job is handled twice.
        """
        window = replace(window, looks=window.looks + 1)
        arguments = {"window": window.id, "look": window.looks}
        await self.queue.defer(tx, LOOK_JOB, arguments, at=self.clock() + LOOK_EVERY)
        return window


def event_of(
    window: Window, action: str, actor: str, outcome: str, detail: Mapping[str, Any]
) -> Event:
    """An entry of the log about one."""
    return Event(actor, action, window.key, window.target, outcome, detail)
