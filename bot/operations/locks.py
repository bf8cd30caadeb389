"""Targets that someone keeps for their own operations."""

from __future__ import annotations

from bot.errors import Refused
from bot.operations import lock_store, lock_view
from bot.operations.model import Operation, TargetLock
from bot.operations.scheduling import Scheduling
from bot.operations.states import OperationState
from bot.operations.telling import Telling
from bot.store.database import Transaction
from bot.store.events import Event


async def is_kept_out(tx: Transaction, operation: Operation) -> bool:
    """Whether an operation waits until somebody else unlocks its target."""
    lock = await lock_store.get(tx, operation.plan.target)
    waits = operation.state is OperationState.QUEUED
    return waits and lock is not None and lock.keeps_out(operation.wanted_by)


class Locks:
    """While a target is locked, other people's operations on it wait. The channel is told."""

    def __init__(self, scheduling: Scheduling, telling: Telling) -> None:
        self._scheduling = scheduling
        self._telling = telling

    async def get(self, tx: Transaction, target: str) -> TargetLock | None:
        """Who holds the target; None where nobody does."""
        return await lock_store.get(tx, target)

    async def check(self, tx: Transaction, target: str, *, actor: str) -> None:
        """Raises Refused where somebody else keeps the target from an actor."""
        lock = await lock_store.get(tx, target)
        if lock and lock.keeps_out(actor):
            raise Refused(
                f"Not done: {lock_view.in_words(lock)}.",
                hint="Who holds the lock can do it; so can others once it is unlocked.",
            )

    async def take(self, tx: Transaction, target: str, *, actor: str, reason: str) -> TargetLock:
        """Locks the target, or gives one's own lock another reason. Raises Refused where somebody
        else has."""
        lock = await lock_store.take(tx, target, holder=actor, reason=reason)
        if lock is None:
            raise await self._not_taken(tx, target)
        tx.record(Event(actor, "target.locked", f"lock:{target}", target, detail={"why": reason}))
        await self._telling.say(tx, lock_view.key(lock), lock_view.taken(lock))
        await self._tell_waiting(tx, target)
        return lock

    async def free(self, tx: Transaction, lock: TargetLock, *, actor: str, steal: bool) -> None:
        """Ends a lock that was looked at, and lets go what waited. `steal` takes another person's,
        who is told. Raises Refused where it is no longer so, or another's is not to be taken."""
        target = lock.target
        stolen = lock.holder != actor
        if stolen and not steal:
            raise Refused(
                f"Not unlocked: {lock_view.in_words(lock)}.",
                hint="Who holds it can unlock it; so can an admin.",
            )
        if not await lock_store.free(tx, lock):
            raise Refused(
                f"Not unlocked: {target} is no longer locked as it was shown.",
                hint="/deploy status says how it is now.",
            )
        action = "target.lock_stolen" if stolen else "target.unlocked"
        detail = {"holder": lock.holder, "why": lock.reason}
        tx.record(Event(actor, action, f"lock:{target}", target, detail=detail))
        await self._telling.say(tx, lock_view.key(lock), lock_view.freed(lock, actor))
        if stolen:
            told = lock_view.stolen(lock, actor)
            await self._telling.say(tx, f"{lock_view.key(lock)}:stolen", told)
        for number in await lock_store.queued(tx, target):
            await self._scheduling.run(tx, number, target)
            await self._telling.show(tx, number)

    async def _not_taken(self, tx: Transaction, target: str) -> Refused:
        held = await lock_store.get(tx, target)
        if held is None:
            return Refused(f"Not locked: {target} was unlocked just now.", hint="Lock it again.")
        told = f"Not locked: {lock_view.in_words(held)}."
        return Refused(told, hint="Who holds it can unlock it; so can an admin.")

    async def _tell_waiting(self, tx: Transaction, target: str) -> None:
        for number in await lock_store.queued(tx, target):
            await self._telling.show(tx, number)
