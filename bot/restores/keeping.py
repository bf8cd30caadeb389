"""What a restore has replaced is kept for its undo, and removed when the time for that is up."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.errors import OpsbellError
from bot.restores import store
from bot.restores.model import Kept, KeptState
from bot.restores.running import Restore
from bot.store.database import Database, Transaction
from bot.store.events import Event
from bot.store.locks import held_lock
from bot.store.queue import Lane, Queue, may_pass
from bot.words import utc_now

logger = logging.getLogger(__name__)

REMOVE_JOB = "restore.remove"

_TRY_AGAIN = timedelta(hours=1)

Remove = Callable[[Kept], Awaitable[None]]
Tell = Callable[[Transaction, Kept, str], Awaitable[None]]
"""Has the step by which something was put aside say what has become of it."""


async def keep(restore: Restore, part: str, place: Mapping[str, Any], used: int | None) -> Kept:
    """Remembers a part that lies aside now, for as long as the configuration says; what an undo
    has `used` is no longer there."""
    async with restore.database.transaction() as tx:
        kept = await store.keep(
            tx,
            operation=restore.operation.id,
            target=restore.target.name,
            part=part,
            place=place,
            until=restore.clock() + restore.policy.undo_for,
        )
        if used is not None:
            back = f"put back by operation {restore.operation.id}"
            await restore.tell(tx, await store.mark(tx, used, KeptState.USED), back)
        await restore.queue.defer(tx, REMOVE_JOB, {"kept": kept.id}, at=kept.until)
    return kept


async def lay_beside(restore: Restore, part: str, place: Mapping[str, Any]) -> None:
    """Remembers where a part is about to be unpacked: whatever becomes of the restore, it is
    removed when the time of what it keeps is up."""
    async with restore.database.transaction() as tx:
        lying = await store.lay_beside(
            tx,
            operation=restore.operation.id,
            target=restore.target.name,
            part=part,
            place=place,
            until=restore.clock() + restore.policy.undo_for,
        )
        if lying:
            await restore.queue.defer(tx, REMOVE_JOB, {"kept": lying.id}, at=lying.until)


async def forget(restore: Restore, part: str) -> None:
    """What was unpacked is removed."""
    async with restore.database.transaction() as tx:
        await store.forget(tx, restore.operation.id, part)


async def unkeep(restore: Restore, part: str, used: int) -> None:
    """What an undo had used lies where it was kept again."""
    async with restore.database.transaction() as tx:
        await store.forget(tx, restore.operation.id, part)
        kept = await store.mark(tx, used, KeptState.KEPT)
        again = f"what was there is kept until {restore.moment(kept.until)}"
        await restore.tell(tx, kept, again)


class Keeping:
    """Removes what was kept for long enough."""

    def __init__(self, database: Database, queue: Queue, remove: Remove, tell: Tell) -> None:
        self._database = database
        self._queue = queue
        self._remove = remove
        self._tell = tell
        queue.handle(REMOVE_JOB, self.remove_old, lane=Lane.WORK)

    async def recover(self) -> None:
        """Looks at all that is kept, once at the start: a timer may have been lost."""
        async with self._database.transaction() as tx:
            for kept in await store.all_lying(tx):
                await self._queue.defer(tx, REMOVE_JOB, {"kept": kept.id}, at=kept.until)

    async def remove_old(self, kept: int) -> None:
        """The job: removes what is kept if its time is up and nothing has used it meanwhile.

        The target is held, so that no operation is in the middle of it. What cannot be removed is
        kept for another hour, and then tried again. Raises what may pass by itself: the queue
        tries that again.
        """
        due = await self._due(kept)
        if due is None:
            return
        async with held_lock(self._database.url, f"target:{due.target}"):
            if still := await self._due(kept):
                try:
                    await self._remove(still)
                except (OpsbellError, OSError) as error:
                    if may_pass(error):
                        raise
                    await self._later(still, error)
                    return
                async with self._database.transaction() as tx:
                    await self._note(tx, still)

    async def _later(self, kept: Kept, error: Exception) -> None:
        logger.warning(
            "what a restore has replaced was not removed",
            extra={"kept": kept.id, "why": str(error)},
        )
        # Kept longer rather than tried later alone: of several jobs for it one goes on.
        until = utc_now() + _TRY_AGAIN
        async with self._database.transaction() as tx:
            await store.extend(tx, kept.id, until)
            await self._queue.defer(tx, REMOVE_JOB, {"kept": kept.id}, at=until)

    async def _note(self, tx: Transaction, kept: Kept) -> None:
        await store.mark(tx, kept.id, KeptState.REMOVED)
        await self._tell(tx, kept, "what was there is no longer kept")
        tx.record(
            Event(
                actor="opsbell",
                action="restore.removed",
                subject=f"operation:{kept.operation}",
                target=kept.target,
                detail={"part": kept.part, "place": dict(kept.place)},
            )
        )

    async def _due(self, number: int) -> Kept | None:
        async with self._database.transaction() as tx:
            kept = await store.get(tx, number)
        lies = kept is not None and kept.state in (KeptState.KEPT, KeptState.BESIDE)
        due = kept and lies and kept.until <= utc_now()
        return kept if due else None
