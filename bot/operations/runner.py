"""Runs and undoes single steps: each start and end committed, within its limit, tried again."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from bot.errors import Failed, OpsbellError, Unavailable
from bot.operations import step_store, store
from bot.operations.context import Context, Redact
from bot.operations.ending import Ending, operation_event
from bot.operations.model import Operation, Step, StepKind
from bot.operations.states import OperationState, StepState
from bot.operations.telling import Telling
from bot.store.database import AWAY, Database, Transaction
from bot.words import duration

logger = logging.getLogger(__name__)

RETRY_PAUSE = 2.0
UNDO_PAUSES = (1.0, 3.0, 6.0, 10.0)
"""Seconds between the tries of an undo: a server that is just restarting is given time."""


class Runner:
    """Runs steps with the kinds it was given."""

    def __init__(self, database: Database, telling: Telling, redact: Redact) -> None:
        self._database = database
        self._telling = telling
        self._redact = redact
        self._kinds: dict[str, StepKind] = {}

    def register(self, kind: str, code: StepKind) -> None:
        """Names the code that runs a kind of step."""
        self._kinds[kind] = code

    async def begin_step(self, tx: Transaction, number: int, position: int) -> Operation:
        """Commits, with the transaction, that a step begins; the operation with it running."""
        await step_store.begin_step(tx, number, position)
        await self._telling.show(tx, number)
        return await store.get(tx, number)

    async def run_step(self, operation: Operation, step: Step) -> None:
        """Runs a step to its committed end. Raises what its last try raised."""
        left = step.planned.retries
        while True:
            context = self._context(operation, step)
            try:
                async with context.kept_current():
                    result = await self._within_limit(context)
            except AWAY:
                raise
            except (Failed, Unavailable) as error:
                if not left:
                    raise
                left -= 1
                await context.output(f"{error} It is tried again.")
                await asyncio.sleep(RETRY_PAUSE)
            else:
                await self.step_done(operation, step, result)
                return
            finally:
                await context.flush()

    async def _within_limit(self, context: Context) -> Mapping[str, Any]:
        planned = context.step.planned
        scope = asyncio.timeout(planned.limit)
        try:
            async with scope:
                return await self._kinds[planned.kind].run(context)
        except TimeoutError:
            if not scope.expired() or planned.limit is None:
                raise
            took = f"«{planned.title}» did not end within {duration(planned.limit)}"
            raise Failed(f"{took} and was ended.") from None

    async def step_done(self, operation: Operation, step: Step, result: Mapping[str, Any]) -> None:
        """Commits that a step is done, and what it returned."""
        values = dict(result)
        note = str(values.pop("note", ""))

        async def commit(tx: Transaction) -> None:
            if not await step_store.end_step(
                tx, operation.id, step.position, StepState.DONE, note=note, result=values
            ):
                return  # committed before, although that was not heard
            detail = {"step": step.planned.kind, "title": step.planned.title, "note": note}
            tx.record(operation_event(operation, "operation.step", detail=detail))
            await self._telling.show(tx, operation.id)

        await self._database.commit(commit)

    async def was_done(self, operation: Operation, step: Step) -> bool:
        """Whether a step whose end was not seen has done what it is for; marks it so.
        Raises AWAY."""
        try:
            result = await self._kinds[step.planned.kind].done(self._context(operation, step))
        except AWAY:
            raise
        except Exception:
            logger.exception("step not looked at", extra={"operation": operation.id})
            return False
        if result is not None:
            await self.step_done(operation, step, result)
        return result is not None

    async def reopen(self, operation: Operation) -> None:
        """Before a resume: what always runs has run in the clean-up, and is to run again at its
        own time; so is what it has ended, as far as that can be seen."""
        ended = [s for s in operation.steps if s.planned.always and s.state is StepState.DONE]
        if not ended:
            return
        for step in operation.steps:
            again = step in ended or (
                step.state is StepState.DONE
                and step.planned.repeatable
                and not step.planned.group
                and await self._kinds[step.planned.kind].done(self._context(operation, step))
                is None
            )
            if again:
                async with self._database.transaction() as tx:
                    await step_store.reopen_step(tx, operation.id, step.position)

    async def run_always(self, operation: Operation, step: Step, *, crashed: bool) -> str:
        """Runs a step that also runs after a failure; what went wrong, in words. Raises AWAY."""
        title = step.planned.title
        if crashed and not step.planned.repeatable:
            return f"«{title}» was not run: it is not known to be safe after a crash."
        try:
            async with self._database.transaction() as tx:
                operation = await self.begin_step(tx, operation.id, step.position)
            await self.run_step(operation, operation.steps[step.position])
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - told, and logged where it is a defect
            async with self._database.transaction() as tx:
                await step_store.mark_step(tx, operation.id, step.position, StepState.FAILED)
            return f"«{title}» failed: {failure_of(error, operation.id).error}"
        return ""

    async def undo(self, operation: Operation, steps: list[Step]) -> str:
        """Undoes steps, the last first; what could not be undone, in words. Raises AWAY."""
        troubles = []
        for step in reversed(steps):
            try:
                left = await self._undo_one(self._context(operation, step))
            except AWAY:
                raise
            except Exception as error:
                logger.exception("undo failed", extra={"operation": operation.id})
                told = str(error) if isinstance(error, OpsbellError) else type(error).__name__
                troubles.append(f"{step.planned.title} could not be undone: {told.rstrip('.')}.")
            else:
                await self._mark_undone(operation, step, left)
        return " ".join(troubles)

    async def _undo_one(self, context: Context) -> str:
        kind = self._kinds[context.step.planned.kind]
        for pause in UNDO_PAUSES:
            try:
                left = await kind.undo(context)
            except AWAY:
                raise
            except (Failed, Unavailable) as error:
                await context.output(f"Not undone yet: {error}")
                await asyncio.sleep(pause)
            else:
                break
        else:
            left = await kind.undo(context)
        await context.flush()
        return left or ""

    async def _mark_undone(self, operation: Operation, step: Step, left: str) -> None:
        takes_back = bool(step.planned.undo or step.planned.group)
        is_undone = takes_back and step.state is StepState.DONE
        if not (is_undone or left):
            return
        async with self._database.transaction() as tx:
            if is_undone:
                await step_store.mark_step(tx, operation.id, step.position, StepState.UNDONE)
                detail = {"step": step.planned.kind, "title": step.planned.title}
                tx.record(operation_event(operation, "operation.undone", detail=detail))
            await step_store.keep_left(tx, operation.id, step.position, left)
            await self._telling.show(tx, operation.id)

    def _context(self, operation: Operation, step: Step) -> Context:
        return Context(self._database, self._telling, self._redact, operation, step)


def failure_of(error: Exception, number: int) -> Ending:
    """What people are told of an error; a defect is named by a reference alone."""
    if isinstance(error, OpsbellError):
        output = error.output if isinstance(error, Failed) else ""
        return Ending(OperationState.FAILED, error=str(error), output=output)
    reference = uuid.uuid4().hex[:8]
    logger.error("step failed", exc_info=error, extra={"reference": reference, "operation": number})
    told = f"Something went wrong inside Opsbell. Its log says more under {reference}."
    return Ending(OperationState.FAILED, error=told)
