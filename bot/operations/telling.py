"""Says in the channel how an operation stands: its one live message, its log, its alarm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from bot.operations import lock_store, output_store, store, taken_back_store, view
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.slack.message import Block, Message, Upload
from bot.slack.posts import Posts
from bot.store.database import Transaction
from bot.words import utc_now

TAIL = 8
"""Lines of output that the live message shows."""

Clock = Callable[[], datetime]
NextSteps = Callable[[Transaction, Operation], Awaitable[Sequence[Block]]]
"""Buttons that a runbook offers on an operation that has ended."""


class Telling:
    """Puts the posts of operations, into one `channel`."""

    def __init__(self, posts: Posts, channel: str, *, clock: Clock = utc_now) -> None:
        self._posts = posts
        self.channel = channel
        self._clock = clock
        self._next: dict[str, NextSteps] = {}

    def add_next_steps(self, runbook: str, offer: NextSteps) -> None:
        """Names what offers the buttons of a runbook's ended operations."""
        self._next[runbook] = offer

    async def show(self, tx: Transaction, number: int) -> None:
        """Puts the operation's one message as it stands in this transaction."""
        operation = await store.get(tx, number)
        plan = operation.plan
        step = operation.running_step
        shown = view.Shown(
            now=self._clock(),
            usual=await store.usual_duration(tx, plan.runbook, plan.target),
            usual_steps=await store.usual_steps(tx, plan.runbook, plan.target),
            behind=await self._behind(tx, operation),
            tail=await output_store.tail(tx, number, step.position, TAIL) if step else "",
            next_steps=await self._next_steps(tx, operation),
        )
        await self._posts.put(
            tx,
            operation.key,
            channel=self.channel,
            message=view.message(operation, shown),
            uploads=await self._log(tx, operation) if operation.state.final else (),
            final=operation.state.final,
        )

    async def show_taken_back(self, tx: Transaction, by: int) -> None:
        """Puts the messages anew of the operations whose standing an operation decides."""
        for number in await taken_back_store.touched(tx, by):
            await self.show(tx, number)

    async def alarm(self, tx: Transaction, number: int) -> None:
        """Says anew that an operation did not end well: an edit would notify nobody."""
        operation = await store.get(tx, number)
        ended = operation.finished or self._clock()
        await self._posts.put(
            tx,
            f"{operation.key}:alarm:{ended.isoformat()}",
            channel=self.channel,
            message=view.alarm(operation),
        )

    async def shout(self, tx: Transaction, number: int, reason: str) -> None:
        """Says loudly that an operation goes on without the approvals that it needs."""
        operation = await store.get(tx, number)
        await self._posts.put(
            tx,
            f"{operation.key}:alone",
            channel=self.channel,
            message=view.unapproved(operation, reason),
        )

    async def say(self, tx: Transaction, key: str, message: Message) -> None:
        """Says something beside operations, where these are told."""
        await self._posts.put(tx, key, channel=self.channel, message=message)

    async def _behind(self, tx: Transaction, operation: Operation) -> str:
        if operation.state is not OperationState.QUEUED:
            return ""
        lock = await lock_store.get(tx, operation.plan.target)
        if lock and lock.keeps_out(operation.wanted_by):
            return view.lock_line(lock)
        before = await store.unfinished(tx, operation.plan.target)
        first = next((o for o in before if o.id != operation.id), None)
        return f"Waits for {first.plan.title} ({first.id})." if first else ""

    async def _next_steps(self, tx: Transaction, operation: Operation) -> Sequence[Block]:
        offer = self._next.get(operation.plan.runbook)
        return await offer(tx, operation) if offer and operation.state.final else ()

    async def _log(self, tx: Transaction, operation: Operation) -> Sequence[Upload]:
        kept = await output_store.whole(tx, operation.id)
        if not kept:
            return ()
        text = view.log(operation, kept)
        name = f"operation-{operation.id}.log"
        return (Upload(name, text.encode(), f"Log of {operation.plan.title}"),)
