"""What others say to a plan or a step that asks them, and how one goes on without them."""

from __future__ import annotations

from datetime import timedelta

from bot.errors import NotFound, Refused
from bot.operations import store
from bot.operations.approvers import Approvers
from bot.operations.buttons import APPROVAL
from bot.operations.ending import operation_event
from bot.operations.model import SOMEONE, Operation, Step
from bot.operations.plan import Plan
from bot.operations.scheduling import Scheduling
from bot.operations.states import OperationState
from bot.operations.telling import Telling
from bot.store.database import Database, Transaction
from bot.words import utc_now

PAUSE = timedelta(seconds=60)
"""How long one who goes on alone has to think again."""

PLAN = -1
"""The position under which approvals of a whole plan are kept."""


class Approvals:
    """The requester never approves their own; an approver needs the command's role."""

    def __init__(
        self, database: Database, scheduling: Scheduling, telling: Telling, approvers: Approvers
    ) -> None:
        self._database = database
        self._scheduling = scheduling
        self._telling = telling
        self._approvers = approvers

    def needed(self, plan: Plan, actor: str) -> str:
        """How many others must approve a plan that this actor asks for, and by which role, as a
        sentence; "" where nobody must."""
        return self._approvers.needed_in_words(plan.rule, actor)

    async def wait(self, tx: Transaction, operation: Operation, span: timedelta) -> bool:
        """planned → awaiting, for so long at most; False where nobody has to approve it."""
        rule = operation.plan.rule
        needed = self._approvers.needed(rule, operation.actor)
        if not needed:
            return False
        others = await self._approvers.others(rule, operation.actor)
        awaited = (SOMEONE,) if others is None else others
        expires = utc_now() + span
        await store.move(tx, operation.id, OperationState.PLANNED, OperationState.AWAITING)
        await store.await_approvals(tx, operation.id, needed, awaited, expires)
        await self._scheduling.expire(tx, operation.id, expires)
        return True

    async def approve(self, tx: Transaction, number: int, *, actor: str) -> Operation:
        """Approves; with the last approval needed the operation is queued.

        Raises NotFound, and Refused for the requester, for who lacks the role, and where nothing
        waits for approval any more.
        """
        operation = await self._say(tx, number, actor, approves=True)
        waits = operation.state is OperationState.AWAITING
        if waits and len(operation.approved_by()) >= operation.approvals_needed:
            await self._queue(tx, operation)
        await self._telling.show(tx, number)
        return await store.get(tx, number)

    async def refuse(self, tx: Transaction, number: int, *, actor: str) -> None:
        """Refuses: the plan will not run, or the step fails. Raises like `approve`."""
        operation = await self._say(tx, number, actor, approves=False)
        if operation.state is OperationState.AWAITING and not await store.finish(
            tx, number, OperationState.REFUSED, before=(OperationState.AWAITING,)
        ):
            raise _too_late(number)
        await self._telling.show(tx, number)

    async def go_alone(self, tx: Transaction, number: int, *, actor: str, reason: str) -> None:
        """Goes on after a pause without approval, where nobody else holds the role who has not
        approved.

        Raises NotFound, and Refused for anyone but the requester, without a reason, where somebody
        could approve, and after its time.
        """
        operation = await store.get(tx, number)
        if operation.state is not OperationState.AWAITING:
            raise Refused(f"Not done: operation {number} is {operation.state.value}.")
        if operation.actor != actor:
            raise Refused("Only who asked for it can go on alone.")
        await self._approvers.check(operation.plan.rule, actor)
        if _is_over(operation):
            raise _too_late(number)
        others = await self._approvers.others(operation.plan.rule, actor)
        if others is None or {*others} - {each.person for each in operation.approved_by()}:
            raise Refused("Others can approve this.", hint="Ask them.")
        await self._without_approval(tx, operation, actor, reason, "operation.alone")
        await self._scheduling.go_on(tx, number, utc_now() + PAUSE)

    async def break_glass(self, tx: Transaction, number: int, *, actor: str, reason: str) -> None:
        """Goes on at once without approval, at the terminal. Raises like `go_alone`."""
        operation = await store.get(tx, number)
        if operation.state is not OperationState.AWAITING:
            return
        await self._without_approval(tx, operation, actor, reason, "operation.break_glass")
        await self._queue(tx, operation)
        await self._telling.show(tx, number)

    async def expire(self, operation: int) -> None:
        """The job that ends what nobody confirmed or approved in time."""
        async with self._database.transaction() as tx:
            try:
                found = await store.get(tx, operation)
            except NotFound:
                return
            waits = found.state in (OperationState.PLANNED, OperationState.AWAITING)
            if not waits or not _is_over(found) or _goes_alone(found):
                return
            if not await store.finish(tx, operation, OperationState.EXPIRED, before=(found.state,)):
                return  # approved at the last moment
            if found.state is OperationState.AWAITING:
                tx.record(operation_event(found, "operation.expired", outcome="refused"))
                await self._telling.show(tx, operation)

    async def go_on(self, operation: int) -> None:
        """The job that queues, after a pause, what its person goes on with alone."""
        async with self._database.transaction() as tx:
            found = await store.get(tx, operation)
            if await store.move(tx, operation, OperationState.AWAITING, OperationState.QUEUED):
                await self._scheduling.run(tx, operation, found.plan.target)
                await self._telling.show(tx, operation)

    async def _queue(self, tx: Transaction, operation: Operation) -> None:
        """awaiting → queued. Raises Refused where it no longer waits."""
        if not await store.move(tx, operation.id, OperationState.AWAITING, OperationState.QUEUED):
            raise _too_late(operation.id)
        await self._scheduling.run(tx, operation.id, operation.plan.target)

    async def _without_approval(
        self, tx: Transaction, operation: Operation, actor: str, reason: str, action: str
    ) -> None:
        if not reason.strip():
            raise Refused("Say why it cannot wait for approval.")
        number = operation.id
        if not await store.say(tx, number, PLAN, actor, approves=True, reason=reason.strip()):
            raise Refused(f"Operation {number} goes on already.")
        detail = {"why": reason.strip()}
        tx.record(operation_event(operation, action, actor=actor, outcome="noted", detail=detail))
        await self._telling.shout(tx, number, reason.strip())
        await self._telling.show(tx, number)

    async def _say(self, tx: Transaction, number: int, actor: str, *, approves: bool) -> Operation:
        operation = await store.get(tx, number)
        step = _asking_step(operation)
        if operation.state is not OperationState.AWAITING and step is None:
            state = operation.state.value
            raise Refused(f"Nothing waits for approval: operation {number} is {state}.")
        if step is None and _is_over(operation):
            raise _too_late(number)
        if operation.actor == actor:
            raise Refused("Nobody approves what they asked for themselves.")
        if step is None:
            await self._approvers.check(operation.plan.rule, actor)
        else:
            await self._approvers.check_role(str(step.planned.arguments["role"]), actor)
        position = PLAN if step is None else step.position
        if not await store.say(tx, number, position, actor, approves=approves):
            raise Refused("You have said so already.")
        action = "operation.approved" if approves else "operation.refused"
        detail = {"asked_by": operation.asker}
        tx.record(operation_event(operation, action, actor=actor, detail=detail))
        return await store.get(tx, number)


def _asking_step(operation: Operation) -> Step | None:
    """The running step that waits for people, if that is what runs."""
    step = operation.running_step
    runs = operation.state is OperationState.RUNNING
    return step if runs and step and step.planned.kind == APPROVAL else None


def _is_over(operation: Operation) -> bool:
    """Whether its time to wait for people is over."""
    return operation.expires is not None and operation.expires <= utc_now()


def _goes_alone(operation: Operation) -> bool:
    """Whether its person has said that it goes on alone: it only waits for the pause to end."""
    return any(
        one.position == PLAN and one.approves and one.person == operation.actor
        for one in operation.approvals
    )


def _too_late(number: int) -> Refused:
    return Refused(f"Too late: operation {number} no longer waits for approval.")
