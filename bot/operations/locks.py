"""Targets that someone keeps for their own operations."""

from __future__ import annotations

from bot.errors import Refused
from bot.operations import lock_store
from bot.operations.model import TargetLock
from bot.operations.scheduling import Scheduling
from bot.operations.telling import Telling
from bot.store.database import Transaction
from bot.store.events import Event


class Locks:
    """While a target is locked, other people's operations on it wait."""

    def __init__(self, scheduling: Scheduling, telling: Telling) -> None:
        self._scheduling = scheduling
        self._telling = telling

    async def get(self, tx: Transaction, target: str) -> TargetLock | None:
        """Who holds the target; None where nobody does."""
        return await lock_store.get(tx, target)

    async def take(self, tx: Transaction, target: str, *, actor: str, reason: str) -> None:
        """Locks the target. Raises Refused where somebody else has."""
        if not await lock_store.take(tx, target, holder=actor, reason=reason):
            raise Refused(
                f"Not locked: {target} is locked by someone else already.",
                hint="/deploy status says by whom and why.",
            )
        tx.record(Event(actor, "target.locked", f"lock:{target}", target, detail={"why": reason}))
        await self._tell_waiting(tx, target)

    async def free(self, tx: Transaction, target: str, *, actor: str, steal: bool) -> TargetLock:
        """Unlocks the target, and lets go what waited; the lock that was. `steal` takes another
        person's. Raises Refused where there is none, or another's is not to be taken."""
        lock = await lock_store.get(tx, target)
        if lock is None:
            raise Refused(f"Not unlocked: nobody has locked {target}.")
        if lock.holder != actor and not steal:
            raise Refused(
                f"Not unlocked: {target} was locked by someone else.",
                hint="Who holds it can unlock it; so can an admin.",
            )
        await lock_store.free(tx, target)
        action = "target.unlocked" if lock.holder == actor else "target.lock_stolen"
        detail = {"holder": lock.holder, "why": lock.reason}
        tx.record(Event(actor, action, f"lock:{target}", target, detail=detail))
        for number in await lock_store.queued(tx, target):
            await self._scheduling.run(tx, number, target)
            await self._telling.show(tx, number)
        return lock

    async def _tell_waiting(self, tx: Transaction, target: str) -> None:
        for number in await lock_store.queued(tx, target):
            await self._telling.show(tx, number)
