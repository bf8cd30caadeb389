"""Runs one operation: its steps in order, each start and end committed, the truth after a crash.

An operation is run by a job whose lock is its target, so one runs at a time per target. The
session's advisory lock guards against the one case which that lock cannot see: a process that
was merely paused for so long that its job was given to another. It holds the advisory lock for
as long as its connection lives, and whoever comes second waits for it.

While Opsbell's own database is away, what runs goes on and its commits wait, for PATIENCE.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot.errors import Unavailable
from bot.operations import step_store, store, taken_back_store
from bot.operations.context import Redact
from bot.operations.ending import (
    CANCELLATION,
    Ending,
    after_crash,
    begun,
    changed_since,
    interruption,
    kept_by,
    operation_event,
    to_run_always,
    to_take_back,
    what_is_so_now,
)
from bot.operations.locks import is_kept_out
from bot.operations.model import Operation, StepKind
from bot.operations.plan import Plan, Planner, Recovery
from bot.operations.runner import Runner, failure_of
from bot.operations.states import Course, OperationState, StepState
from bot.operations.telling import Telling
from bot.store.database import (
    AWAY,
    CONNECT_TIMEOUT,
    Database,
    OwnDatabaseAway,
    Transaction,
    patient,
)
from bot.store.locks import kept_lock
from bot.targets.text import visible

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=90)
"""How long an operation waits for Opsbell's own database, so that an outage does not end it."""

_KILLED = "Opsbell was killed or lost power"
_DATABASE_AWAY = "Opsbell's own database was away for too long"
_CONNECTION_LOST = "the connection to Opsbell's own database broke"
_OVER = (StepState.DONE, StepState.LEFT_OUT)


class Engine:
    """Runs operations with the step kinds and planners it was given."""

    def __init__(self, database: Database, telling: Telling, *, redact: Redact) -> None:
        self.database = database
        self.telling = telling
        self._redact = redact
        self._runner = Runner(database, telling, redact)
        self.planners: dict[str, Planner] = {}
        # What ended operations whose end could not be committed.
        self._causes: dict[int, str] = {}

    def register(self, kind: str, code: StepKind) -> None:
        """Names the code that runs a kind of step."""
        self._runner.register(kind, code)

    def redacted(self, plan: Plan) -> Plan:
        """The plan as it is kept and shown: no secret in what people read of it, and nothing that
        they cannot see."""

        def hide(text: str) -> str:
            try:
                return visible(self._redact(plan.target, text))
            except Unavailable:
                return visible(self._redact("", text))  # what is known of all targets

        return plan.with_texts(hide)

    async def run(self, operation: int) -> None:
        """The job: runs a queued operation, or tells the truth about one whose process died."""
        async with self.database.transaction() as tx:
            found = await store.get(tx, operation)

        async def still_runs() -> bool:
            """Whoever took it over while this process had lost its lock has ended it."""
            return not (await self._get(operation)).state.final

        name = f"target:{found.plan.target}"
        async with kept_lock(self.database.url, name, still_mine=still_runs):
            with patient(PATIENCE):
                try:
                    await self._run(operation)
                except AWAY as error:
                    # The queue runs the job again, and that finds out what became of the step.
                    is_away = isinstance(error, OwnDatabaseAway)
                    self._causes[operation] = _DATABASE_AWAY if is_away else _CONNECTION_LOST
                    raise

    async def _run(self, operation: int) -> None:
        async with self.database.transaction() as tx:
            found = await store.get(tx, operation)
            if await is_kept_out(tx, found):
                await self.telling.show(tx, operation)
                return  # who frees the target queues it again
        if found.state is OperationState.RUNNING:
            await self._end(operation, await self._found_running(found))
        elif found.state is OperationState.QUEUED:
            await self._begin(found)

    async def _begin(self, found: Operation) -> None:
        if trouble := await self._planned_differently(found):
            await self._end(found.id, Ending(OperationState.FAILED, error=trouble))
            return
        async with self.database.transaction() as tx:
            later = await store.ran_since(tx, found.id) if found.course is not Course.RUN else None
            if later:
                await store.choose_again(tx, found.id, changed_since(found, later))
                await self.telling.show(tx, found.id)
                return
            if await is_kept_out(tx, found) or not await store.start(tx, found.id):
                return  # locked or cancelled at the last moment
            tx.record(operation_event(found, "operation.started"))
            await taken_back_store.keep(tx, found)
            await self.telling.show(tx, found.id)
            await self.telling.show_taken_back(tx, found.id)
        if found.course is Course.RESUME:
            await self._runner.reopen(found)
        work = self._take_back if found.course is Course.UNDO else self._perform
        await self._end(found.id, await work(found.id))

    async def _planned_differently(self, found: Operation) -> str:
        """Why a plan that was asked for cannot run any more; "" where it can."""
        planner = self.planners.get(found.plan.runbook)
        if planner is None or found.course is not Course.RUN:
            return ""
        try:
            again = await planner(found.plan.target, found.plan.parameters)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - told, and logged where it is a defect
            return f"Nothing was run. {failure_of(error, found.id).error}"
        if differences := found.plan.differences(self.redacted(again)):
            told = "; ".join(differences)
            return f"Nothing was run: planned again, it came out different ({told}). Ask anew."
        return ""

    async def _perform(self, number: int) -> Ending:
        """Runs the steps one after another until the last, the first that fails, or a cancel.

        Raises AWAY."""
        try:
            operation = await self._get(number)
            for step in [s for s in operation.steps if s.state not in _OVER]:
                begun_one = await self.database.commit(partial(self._next, number, step.position))
                if begun_one is None:
                    return CANCELLATION
                await self._runner.run_step(begun_one, begun_one.steps[step.position])
        except asyncio.CancelledError:
            return await self._why_cancelled(number)
        except AWAY:
            raise  # no failure of the step: it may have done all that it is for
        except Exception as error:  # noqa: BLE001 - told, and logged where it is a defect
            return failure_of(error, number)
        return Ending(OperationState.DONE)

    async def _next(self, number: int, position: int, tx: Transaction) -> Operation | None:
        """Begins a step; the operation with it running, None where it is being cancelled."""
        if (await store.get(tx, number)).cancel_by:
            return None
        return await self._runner.begin_step(tx, number, position)

    async def _why_cancelled(self, number: int) -> Ending:
        """A person's wish, or this process being stopped."""
        async with self.database.transaction(timeout=CONNECT_TIMEOUT) as tx:
            operation = await store.get(tx, number)
        if not operation.cancel_by:
            return interruption(operation, "Opsbell was stopped")
        if step := operation.running_step:
            await self._runner.was_done(operation, step)
        return CANCELLATION

    async def _found_running(self, operation: Operation) -> Ending:
        """How an operation ended whose process went away: well, if all it is for is so."""
        cause = self._causes.pop(operation.id, _KILLED)
        if operation.course is Course.UNDO:
            return await self._take_back(operation.id)
        if operation.cancel_by:
            return CANCELLATION
        if operation.error:
            return Ending(OperationState.FAILED, error=operation.error, output=operation.output)
        for step in operation.steps:
            if step.state not in _OVER and not await self._runner.was_done(operation, step):
                return interruption(operation, cause)
        return Ending(OperationState.DONE)

    async def _take_back(self, number: int) -> Ending:
        """Undoes all that an interrupted operation did, as a person has chosen."""
        async with self.database.transaction() as tx:
            operation = await store.get(tx, number)
        if trouble := await self._runner.undo(operation, begun(operation)):
            state, step_state = OperationState.INTERRUPTED, StepState.INTERRUPTED
            return Ending(state, step_state, error=trouble, is_cleaned_up=True)
        async with self.database.transaction() as tx:
            kept = kept_by(await store.get(tx, number))
        return Ending(OperationState.UNDONE, error=kept)

    async def _end(self, number: int, ending: Ending) -> None:
        """Undoes what did not end well, then commits the end. A cancel no longer disturbs it."""
        closing = asyncio.ensure_future(self._close(number, ending))
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise

    async def _close(self, number: int, ending: Ending) -> None:
        operation = await self._get(number)
        if operation.state.final:
            return
        if ending.takes_back:
            ending = await self._cleaned_up(operation, ending)
        await self.database.commit(partial(self._finish, number, ending))

    async def _finish(self, number: int, ending: Ending, tx: Transaction) -> None:
        operation = await store.get(tx, number)  # with what the clean-up has made of its steps
        course = operation.course
        if ending.state is OperationState.INTERRUPTED and operation.plan.recovery is Recovery.ASK:
            course = Course.CHOOSE
        for step in operation.steps:
            if step.state is StepState.RUNNING and not ending.is_good:
                await step_store.mark_step(tx, number, step.position, ending.step_state)
        if not await store.finish(
            tx, number, ending.state, error=ending.error, output=ending.output, course=course
        ):
            return
        detail = {"state": ending.state.value, "error": ending.error}
        event = "operation.finished"
        tx.record(operation_event(operation, event, outcome=ending.outcome, detail=detail))
        await self.telling.show(tx, number)
        await self.telling.show_taken_back(tx, number)
        if ending.state in (OperationState.FAILED, OperationState.INTERRUPTED):
            await self.telling.alarm(tx, number)

    async def _get(self, number: int) -> Operation:
        async with self.database.transaction() as tx:
            return await store.get(tx, number)

    async def _cleaned_up(self, operation: Operation, ending: Ending) -> Ending:
        """Takes back what has to be, runs what always runs, and says what could not be."""
        crashed = ending.state is OperationState.INTERRUPTED
        if ending.state is OperationState.FAILED:
            # A process that dies in the middle of this is followed by one that goes on with it.
            async with self.database.transaction() as tx:
                await store.note_failure(tx, operation.id, ending.error, ending.output)
        wrong = to_take_back(operation, crashed=crashed)
        trouble = await self._runner.undo(operation, wrong)
        always = to_run_always(operation)
        failed = [await self._runner.run_always(operation, s, crashed=crashed) for s in always]
        troubles = [ending.error, trouble, *failed]
        async with self.database.transaction() as tx:
            after = await store.get(tx, operation.id)
        if crashed and not trouble:
            troubles.append(after_crash(after))
        troubles.append(what_is_so_now(after))
        return replace(ending, error=" ".join(filter(None, troubles)), is_cleaned_up=True)
