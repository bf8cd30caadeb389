"""The way from a word typed to a running operation: the plan is shown, confirmed, approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.config.access import ANYONE
from bot.operations import plan_view
from bot.operations.plan import Confirm, Plan
from bot.operations.queued import followed, queued
from bot.operations.service import Operations
from bot.operations.states import Course
from bot.slack import blocks
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Change, Control, Form, Modals, Request
from bot.store.database import Database, Transaction

WINDOW = "Plan"
ALONE_FORM = "operation.alone"
REASON = "reason"


def plan_asked(words: Sequence[str]) -> tuple[list[str], bool]:
    """The words without `--plan`, or `plan` at their beginning, and whether that was there."""
    rest = [word for word in words if word != "--plan"]
    asked = len(rest) < len(words)
    if rest and rest[0].lower() == "plan":
        return rest[1:], True
    return rest, asked


class Asking:
    """What the commands of runbooks share, and the buttons on operations."""

    def __init__(self, database: Database, operations: Operations) -> None:
        self._database = database
        self._operations = operations

    def call(
        self,
        access: str,
        runbook: str,
        target: str,
        parameters: Mapping[str, Any],
        *,
        plan_only: bool = False,
        reason: str = "manual",
    ) -> Call:
        """The call of a command that runs a runbook, or only shows its plan: in Slack with a button
        that runs it."""

        async def show(request: Request, modals: Modals) -> Answer:
            if request.user.startswith("os:"):
                plan = await self._operations.plan(runbook, target, parameters)
                told = plan_view.message(plan, await self._beside(plan, request.actor))
                return Answer(told, data={"plan": plan.as_json()})
            operation = await self._operations.preview(
                runbook, target, parameters, actor=request.actor, reason=reason
            )
            plan = operation.plan
            beside = await self._beside(plan, request.actor)
            told = plan_view.message(plan, beside)
            if not all(step.left_out for step in plan.steps):
                told = plan_view.waiting(operation, beside, "Run")
            return Answer(told, data={"plan": plan.as_json()})

        async def ask(request: Request, modals: Modals) -> Answer | None:
            return await self.ask(request, modals, runbook, target, parameters, reason=reason)

        return Call(access, query=show) if plan_only else Call(access, query=ask, window=WINDOW)

    async def ask(
        self,
        request: Request,
        modals: Modals,
        runbook: str,
        target: str,
        parameters: Mapping[str, Any],
        *,
        reason: str = "manual",
    ) -> Answer | None:
        """Plans, and asks what the plan wants to be asked: in a modal where one can be opened."""
        operation = await self._operations.preview(
            runbook, target, parameters, actor=request.actor, reason=reason
        )
        plan = operation.plan
        beside = await self._beside(plan, request.actor)
        if request.user.startswith("os:"):
            text = blocks.section(blocks.code("\n".join(plan_view.lines(plan, beside))))
            told = Message(plan.title, [*plan_view.locked(beside.lock), text])
            data = {"planned": operation.id, "target": target, "confirm": plan.confirm.value}
            return Answer(told, data=data)
        if plan.confirm is Confirm.NONE:
            async with self._database.transaction() as tx:
                return await self._confirmed(tx, operation.id, request.actor)
        if request.trigger_id:
            await modals.open(request, plan_view.modal(operation, beside))
            return None
        return Answer(plan_view.waiting(operation, beside))

    async def _beside(self, plan: Plan, actor: str) -> plan_view.Beside:
        """What is to be told with a plan that this actor asks for."""
        usual = await self._operations.usual_steps(plan)
        needs = self._operations.approvals.needed(plan, actor)
        async with self._database.transaction() as tx:
            lock = await self._operations.locks.get(tx, plan.target)
        return plan_view.Beside(usual, lock, needs)

    def controls(self) -> list[Control | Form]:
        """The buttons of operations and the forms behind them. Who may is decided by the rule of
        the operation itself."""
        changes = {
            "cancel": self._cancel,
            "approve": self._approve,
            "refuse": self._refuse,
            "resume": self._choosing(Course.RESUME),
            "undo": self._choosing(Course.UNDO),
            "leave": self._choosing(Course.LEAVE),
        }
        return [
            *(
                Control(f"operation.{name}", Call(ANYONE, change=change))
                for name, change in changes.items()
            ),
            Control("operation.plan", Call(ANYONE, query=self._see, window=WINDOW)),
            Control("operation.review", Call(ANYONE, query=self._review, window=WINDOW)),
            Control("operation.alone", Call(ANYONE, query=self._ask_why)),
            Form(plan_view.FORM, Call(ANYONE, change=self._confirm), _wrong_name),
            Form(ALONE_FORM, Call(ANYONE, change=self._go_alone), _no_reason),
        ]

    async def _confirm(self, request: Request, tx: Transaction) -> Answer | None:
        number = int(request.text)
        operation = await self._operations.get(number)
        await self._operations.check(operation.plan.rule, request.actor)
        typed = str(request.fields.get(plan_view.NAME) or "")
        return await self._confirmed(tx, number, request.actor, typed)

    async def _confirmed(self, tx: Transaction, number: int, actor: str, typed: str = "") -> Answer:
        plan = (await self._operations.confirm(tx, number, actor=actor, typed=typed)).plan
        told = await queued(tx, number, blocks.literal(plan.title), self._operations.told_in)
        return Answer(told, data={"operation": number, "target": plan.target})

    async def _cancel(self, request: Request, tx: Transaction) -> Answer | None:
        operation = await self._operations.get(int(request.value))
        await self._operations.check(operation.plan.rule, request.actor)
        await self._operations.cancel(tx, operation.id, actor=request.actor)
        asked = f"Operation {operation.id} was asked to stop."
        return Answer(Message(f"{asked} {followed(self._operations.told_in)}"))

    async def _approve(self, request: Request, tx: Transaction) -> Answer | None:
        number = int(request.value)
        operation = await self._operations.approvals.approve(tx, number, actor=request.actor)
        return Answer(Message(f"Approved: {operation.plan.title}."))

    async def _refuse(self, request: Request, tx: Transaction) -> Answer | None:
        await self._operations.approvals.refuse(tx, int(request.value), actor=request.actor)
        return Answer(Message("Refused: it will not run."))

    def _choosing(self, course: Course) -> Change:
        async def choose(request: Request, tx: Transaction) -> Answer | None:
            operation = await self._operations.get(int(request.value))
            await self._operations.check(operation.plan.rule, request.actor)
            await self._operations.choose(tx, operation.id, course, actor=request.actor)
            return None

        return choose

    async def _see(self, request: Request, modals: Modals) -> Answer | None:
        operation = await self._operations.get(int(request.value))
        beside = await self._beside(operation.plan, operation.actor)
        await modals.open(request, plan_view.seen(operation.plan, beside))
        return None

    async def _review(self, request: Request, modals: Modals) -> Answer | None:
        operation = await self._operations.get(int(request.value))
        if operation.plan.confirm is Confirm.NONE:
            await self._operations.check(operation.plan.rule, request.actor)
            async with self._database.transaction() as tx:
                return await self._confirmed(tx, operation.id, request.actor)
        beside = await self._beside(operation.plan, operation.actor)
        await modals.open(request, plan_view.modal(operation, beside))
        return None

    async def _ask_why(self, request: Request, modals: Modals) -> Answer | None:
        field = blocks.field(
            "Why can it not wait for someone else?",
            blocks.text_input(REASON, multiline=True),
            block_id=REASON,
            hint="It is kept in the audit log and told in the channel. It runs after 60 seconds.",
        )
        form = f"{ALONE_FORM}:{request.value}"
        await modals.open(request, blocks.modal(form, "Go on alone", [field], submit="Go on"))
        return None

    async def _go_alone(self, request: Request, tx: Transaction) -> Answer | None:
        await self._operations.approvals.go_alone(
            tx,
            int(request.text),
            actor=request.actor,
            reason=str(request.fields.get(REASON) or ""),
        )
        told = "It goes on 60 seconds after this was sent, unless it is cancelled before."
        return Answer(Message(f"{told} {followed(self._operations.told_in)}"))


def _wrong_name(request: Request) -> Mapping[str, str]:
    typed = str(request.fields.get(plan_view.NAME) or "").strip()
    if request.metadata and typed != request.metadata:
        return {plan_view.NAME: f"Type {request.metadata} to confirm."}
    return {}


def _no_reason(request: Request) -> Mapping[str, str]:
    given = str(request.fields.get(REASON) or "").strip()
    return {} if given else {REASON: "Say why it cannot wait."}
