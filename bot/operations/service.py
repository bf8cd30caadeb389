"""The verbs of operations: request, cancel, look. The engine does the work."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import Refused
from bot.operations import store
from bot.operations.engine import Engine
from bot.operations.model import Operation, OperationState, Plan, StepKind
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Control, Request
from bot.store.database import Database, Transaction
from bot.store.events import Event
from bot.store.queue import Lane, Queue

RUN_JOB = "operation.run"
ABORT_JOB = "operation.abort"


class Operations:
    """What the capabilities and surfaces call."""

    def __init__(self, database: Database, queue: Queue, engine: Engine) -> None:
        self._database = database
        self._queue = queue
        self._engine = engine
        queue.handle(RUN_JOB, engine.run, lane=Lane.WORK)
        queue.handle(ABORT_JOB, queue.abort, lane=Lane.REQUESTS)

    def register(self, kind: str, code: StepKind) -> None:
        """Names the code that runs a kind of step."""
        self._engine.register(kind, code)

    async def request(
        self,
        tx: Transaction,
        plan: Plan,
        *,
        actor: str,
        reason: str,
        request_key: str | None = None,
    ) -> int:
        """Queues a plan to be run; its operation's number. One per target runs at a time.

        A `request_key` seen before queues nothing and raises Refused.
        """
        number = await store.insert(tx, plan, actor=actor, reason=reason, request_key=request_key)
        if number is None:
            raise Refused("Not queued: this request was taken already.")
        await self._defer(tx, number, plan.target)
        tx.record(
            Event(
                actor=actor,
                action="operation.requested",
                subject=f"operation:{number}",
                target=plan.target,
                detail={"runbook": plan.runbook, "reason": reason, "facts": dict(plan.facts)},
            )
        )
        await self._engine.show(tx, number)
        return number

    async def cancel(self, tx: Transaction, number: int, *, actor: str) -> OperationState:
        """Cancels an operation that waits or runs; the state it was in.

        One that waits is cancelled at once. One that runs is stopped where it runs, and undone.
        Raises NotFound, and Refused where it has ended already.
        """
        row = await store.ask_to_cancel(tx, number, actor)
        if row is None:
            operation = await store.get(tx, number)
            if not operation.state.final:
                raise Refused(f"Operation {number} is being cancelled already.")
            raise Refused(f"Not cancelled: operation {number} is {operation.state.value}.")
        state = OperationState(row["state"])
        if state is OperationState.QUEUED:
            await store.finish(tx, number, OperationState.CANCELLED)
            await self._engine.show(tx, number)
        else:
            await self._queue.defer(tx, ABORT_JOB, {"job": row["job"]})
        tx.record(Event(actor=actor, action="operation.cancelled", subject=f"operation:{number}"))
        return state

    async def recover(self) -> None:
        """Gives a new job to every unfinished operation whose job is gone: one that failed
        before it could commit the operation's end."""
        async with self._database.transaction() as tx:
            for number, (job, target) in (await store.unfinished_jobs(tx)).items():
                if not await self._queue.is_open(tx, job):
                    await self._defer(tx, number, target)

    async def _defer(self, tx: Transaction, number: int, target: str) -> None:
        job = await self._queue.defer(tx, RUN_JOB, {"operation": number}, lock=f"target:{target}")
        await store.set_job(tx, number, job)

    def cancel_control(self, runbook: str) -> Control:
        """The Cancel button of a runbook's live message, under that runbook's access rule."""

        async def cancel(request: Request, tx: Transaction) -> Answer | None:
            await self.cancel(tx, int(request.value), actor=request.actor)
            return Answer(Message(f"Operation {request.value} is being cancelled."))

        return Control(f"{runbook}.cancel", Call(access=runbook, change=cancel))

    async def get(self, number: int) -> Operation:
        """One operation. Raises NotFound."""
        async with self._database.transaction() as tx:
            return await store.get(tx, number)

    async def last(self, runbook: str, target: str, limit: int = 1) -> Sequence[Operation]:
        """The newest operations of a runbook on a target, newest first."""
        async with self._database.transaction() as tx:
            return await store.last(tx, runbook=runbook, target=target, limit=limit)

    async def unfinished(self, tx: Transaction, target: str | None = None) -> Sequence[Operation]:
        """Operations that wait or run, oldest first."""
        return await store.unfinished(tx, target)
