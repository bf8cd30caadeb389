"""The verbs of operations: plan, request, cancel, look. The engine does the work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot import os_user
from bot.errors import OpsbellError, Refused
from bot.operations import output_store, step_store, store
from bot.operations.approvals import Approvals
from bot.operations.approvers import Approvers
from bot.operations.ending import changed_since, operation_event
from bot.operations.engine import Engine
from bot.operations.locks import Locks, is_kept_out
from bot.operations.model import Operation, Step, StepKind
from bot.operations.plan import Confirm, Plan, Planner
from bot.operations.scheduling import EXPIRE_JOB, GO_ON_JOB, RUN_JOB, Scheduling
from bot.operations.states import Course, OperationState, StepState
from bot.operations.telling import TAIL, NextSteps
from bot.store.database import AWAY, Database, Transaction
from bot.store.queue import Lane, Queue
from bot.words import utc_now

logger = logging.getLogger(__name__)

WAITS_FOR = timedelta(minutes=30)
"""How long a plan waits for its confirmation, and then for its approvals."""

RECOVERS_EVERY = timedelta(minutes=1)

_UNCHANGED = "Nothing was changed."


class Operations:
    """What the capabilities and surfaces call."""

    def __init__(
        self, database: Database, queue: Queue, engine: Engine, approvers: Approvers
    ) -> None:
        self._database = database
        self._engine = engine
        self._queue = queue
        self._approvers = approvers
        self._scheduling = Scheduling(queue)
        self.approvals = Approvals(database, self._scheduling, engine.telling, approvers)
        self.locks = Locks(self._scheduling, engine.telling)
        queue.handle(RUN_JOB, engine.run, lane=Lane.WORK)
        queue.handle(EXPIRE_JOB, self.approvals.expire, lane=Lane.REQUESTS)
        queue.handle(GO_ON_JOB, self.approvals.go_on, lane=Lane.REQUESTS)

    @property
    def told_in(self) -> str:
        """The channel of the live messages: its name or ID."""
        return self._engine.telling.channel

    def register(self, kind: str, code: StepKind) -> None:
        """Names the code that runs a kind of step."""
        self._engine.register(kind, code)

    def add_runbook(self, name: str, planner: Planner) -> None:
        """Names what plans a runbook, before people are asked and again at the start."""
        self._engine.planners[name] = planner

    def add_next_steps(self, runbook: str, offer: NextSteps) -> None:
        """Names what offers buttons on a runbook's ended operations."""
        self._engine.telling.add_next_steps(runbook, offer)

    async def plan(self, runbook: str, target: str, parameters: Mapping[str, Any]) -> Plan:
        """What a runbook would do now. Changes nothing, and what its planner raises says so."""
        try:
            plan = await self._engine.planners[runbook](target, parameters)
        except OpsbellError as error:
            if _UNCHANGED not in str(error):
                error.hint = f"{error.hint} {_UNCHANGED}".lstrip()
            raise
        return self._engine.redacted(plan)

    async def preview(
        self,
        runbook: str,
        target: str,
        parameters: Mapping[str, Any],
        *,
        actor: str,
        reason: str = "manual",
    ) -> Operation:
        """Plans and keeps the plan, for its person to confirm within half an hour."""
        plan = await self.plan(runbook, target, parameters)
        expires = utc_now() + WAITS_FOR
        async with self._database.transaction() as tx:
            number = await store.insert(
                tx,
                plan,
                actor=actor,
                reason=reason,
                state=OperationState.PLANNED,
                expires=expires,
                host=_host(actor),
            )
            if number is None:
                raise ValueError("a plan without a request key is always kept")
            await self._scheduling.expire(tx, number, expires)
            return await store.get(tx, number)

    async def confirm(
        self, tx: Transaction, number: int, *, actor: str, typed: str = ""
    ) -> Operation:
        """Goes on with a plan: it waits for approvals, or to run.

        Raises NotFound, and Refused for someone else's plan, one that was dealt with already, or
        where the target's name is asked for and something else was typed.
        """
        operation = await store.get(tx, number)
        if operation.actor != actor:
            raise Refused("Only who asked for a plan can run it.", hint="Ask for your own.")
        if operation.state is not OperationState.PLANNED:
            raise Refused(f"Not run: this plan is {operation.state.value} already.")
        if operation.expires and operation.expires <= utc_now():
            raise Refused(
                "Not run: this plan is older than half an hour.", hint="Ask for a new one."
            )
        plan = operation.plan
        if plan.confirm is Confirm.NAME and typed.strip() != plan.target:
            raise Refused(f"Not run: to confirm, type the target's name, {plan.target}.")
        await self._go_on(tx, operation)
        return await store.get(tx, number)

    async def request(
        self,
        tx: Transaction,
        plan: Plan,
        *,
        actor: str,
        reason: str,
        request_key: str | None = None,
    ) -> int:
        """Queues a plan that asks for no confirmation; its operation's number.

        One per target runs at a time. A `request_key` seen before queues nothing and raises
        Refused.
        """
        number = await store.insert(
            tx,
            self._engine.redacted(plan),
            actor=actor,
            reason=reason,
            state=OperationState.PLANNED,
            request_key=request_key,
            host=_host(actor),
        )
        if number is None:
            raise Refused("Not queued: this request was taken already.")
        await self._go_on(tx, await store.get(tx, number))
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
        if state is OperationState.RUNNING:
            await self._scheduling.abort(tx, number)
        elif Course(row["course"]) is not Course.RUN:
            # What it left half done is still there: what becomes of it is to be chosen anew.
            await store.choose_again(tx, number)
            await self._engine.telling.show(tx, number)
        else:
            await store.finish(tx, number, OperationState.CANCELLED)
            await self._engine.telling.show(tx, number)
        operation = await store.get(tx, number)
        tx.record(operation_event(operation, "operation.cancelled", actor=actor))
        return state

    async def choose(self, tx: Transaction, number: int, course: Course, *, actor: str) -> None:
        """Settles what becomes of an interrupted operation: resume, undo or leave.

        Raises NotFound, and Refused where that was settled, where someone else keeps the target,
        or where that has changed since.
        """
        operation = await store.get(tx, number)
        await self.locks.check(tx, operation.plan.target, actor=actor)
        if course is not Course.LEAVE and (later := await store.ran_since(tx, number)):
            raise Refused(
                f"Not done: {changed_since(operation, later)}",
                hint="Leave it, and ask for a new plan.",
            )
        if not await store.choose(tx, number, course, actor):
            raise Refused(f"Not done: operation {number} is {operation.state.value}.")
        tx.record(operation_event(operation, f"operation.{course.value}", actor=actor))
        if course is not Course.LEAVE:
            await self._scheduling.run(tx, number, operation.plan.target)
        await self._engine.telling.show(tx, number)

    async def keep_recovering(self) -> None:
        """Recovers once a minute, until cancelled."""
        while True:
            await asyncio.sleep(RECOVERS_EVERY.total_seconds())
            try:
                await self.recover()
            except AWAY as error:
                logger.warning("not recovered", extra={"error": str(error).strip()})

    async def recover(self) -> None:
        """Gives a new job to every unfinished operation whose job is gone: one that failed
        before it could commit the operation's end. Whoever frees a target queues what waits for
        that."""
        async with self._database.transaction() as tx:
            for number, (job, target) in (await store.unfinished_jobs(tx)).items():
                if await self._queue.is_open(tx, job):
                    continue
                operation = await store.get(tx, number)  # it may have ended with its job
                if operation.state.final or await is_kept_out(tx, operation):
                    continue
                logger.warning("operation without a job", extra={"operation": number})
                await self._scheduling.run(tx, number, target)

    async def correct(self, tx: Transaction, number: int, says: Callable[[Step], str]) -> None:
        """Puts the message of one that has ended anew, of whose outcome something is so no more:
        `says` gives what a done step says of itself now, "" where that stays."""
        operation = await store.get(tx, number)
        for step in operation.steps:
            if step.state is StepState.DONE and (note := says(step)):
                await step_store.tell_progress(tx, number, step.position, note, None)
        await self._engine.telling.show(tx, number)

    async def get(self, number: int) -> Operation:
        """One operation. Raises NotFound."""
        async with self._database.transaction() as tx:
            return await store.get(tx, number)

    async def usual_steps(self, plan: Plan) -> Mapping[str, timedelta]:
        """How long a plan's steps take as a rule, by their titles."""
        async with self._database.transaction() as tx:
            return await store.usual_steps(tx, plan.runbook, plan.target)

    async def tail(self, operation: Operation) -> str:
        """The last lines that the running step wrote."""
        step = operation.running_step
        if step is None:
            return ""
        async with self._database.transaction() as tx:
            return await output_store.tail(tx, operation.id, step.position, TAIL)

    async def last(self, runbook: str, target: str, limit: int = 1) -> Sequence[Operation]:
        """The newest operations of a runbook on a target, newest first."""
        async with self._database.transaction() as tx:
            return await store.last(tx, runbook=runbook, target=target, limit=limit)

    async def unfinished(self, tx: Transaction, target: str | None = None) -> Sequence[Operation]:
        """Operations that wait to run or run, oldest first."""
        return await store.unfinished(tx, target)

    async def cut_off(self, tx: Transaction, target: str) -> int | None:
        """An operation of the target that was cut off, and may still go on or be taken back."""
        return await store.cut_off(tx, target)

    async def step_approvals(self, number: int, position: int) -> tuple[list[str], str]:
        """What people said to a step that asks them: who approved, and who refused ("")."""
        operation = await self.get(number)
        refused = [s for s in operation.approvals if s.position == position and not s.approves]
        approved = [each.person for each in operation.approved_by(position)]
        return approved, refused[0].person if refused else ""

    async def check(self, access: str, actor: str) -> None:
        """Raises Refused where the actor may not do what an access rule guards."""
        await self._approvers.check(access, actor)

    async def _go_on(self, tx: Transaction, operation: Operation) -> None:
        plan, number = operation.plan, operation.id
        tx.record(
            operation_event(
                operation,
                "operation.requested",
                detail={"reason": operation.reason, "facts": dict(plan.facts)}
                | ({"host": operation.host} if operation.host else {}),
            )
        )
        if not await self.approvals.wait(tx, operation, WAITS_FOR):
            await store.move(tx, number, OperationState.PLANNED, OperationState.QUEUED)
            await self._scheduling.run(tx, number, plan.target)
        await self._engine.telling.show(tx, number)


def _host(actor: str) -> str:
    """The machine at whose terminal somebody asks; "" for those who ask elsewhere."""
    return os_user.host() if actor.startswith("os:") else ""
