"""Runs one operation: its steps in order, each start and end committed, the truth after a crash.

An operation is run by a job whose lock is its target, so one runs at a time per target. The
session's advisory lock guards against the one case which that lock cannot see: a process that
was merely paused for so long that its job was given to another. It holds the advisory lock for
as long as its connection lives, and whoever comes second waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from bot.errors import Failed, OpsbellError
from bot.operations import store, view
from bot.operations.model import Operation, OperationState, Step, StepKind, StepState
from bot.slack.posts import Posts
from bot.store.database import Database, Transaction
from bot.store.events import Event
from bot.store.locks import held_lock
from bot.words import utc_now

logger = logging.getLogger(__name__)

PROGRESS_INTERVAL = 1.0

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Ending:
    """How an operation ended, and what people are told."""

    state: OperationState
    step_state: StepState = StepState.FAILED
    error: str = ""
    output: str = ""


CANCELLATION = Ending(OperationState.CANCELLED, StepState.CANCELLED)


class Context:
    """What a step works with; see StepContext."""

    def __init__(self, engine: Engine, operation: Operation, step: Step) -> None:
        self.operation = operation
        self.step = step
        self._engine = engine
        self._told = 0.0

    async def progress(self, note: str, share: float | None = None) -> None:
        """Keeps and shows how far the step is, once a second at most.

        That it can't be told just now is no reason to end the work, so it is only logged.
        """
        if time.monotonic() - self._told < PROGRESS_INTERVAL:
            return
        self._told = time.monotonic()
        try:
            async with self._engine.database.transaction() as tx:
                number = self.operation.id
                await store.tell_progress(tx, number, self.step.position, note, share)
                await self._engine.show(tx, number)
        except (OpsbellError, psycopg.Error) as error:
            logger.warning("progress not told", extra={"error": str(error)})


class Engine:
    """Runs operations with the step kinds it was given."""

    def __init__(
        self, database: Database, posts: Posts, channel: str, *, clock: Clock = utc_now
    ) -> None:
        self.database = database
        self._posts = posts
        self._channel = channel
        self._clock = clock
        self._kinds: dict[str, StepKind] = {}

    def register(self, kind: str, code: StepKind) -> None:
        """Names the code that runs a kind of step."""
        self._kinds[kind] = code

    async def show(self, tx: Transaction, number: int) -> None:
        """Puts the operation's one message as it stands in this transaction."""
        operation = await store.get(tx, number)
        usual = await store.usual_duration(tx, operation.plan.runbook, operation.plan.target)
        behind = ""
        if operation.state is OperationState.QUEUED:
            before = await store.unfinished(tx, operation.plan.target)
            behind = next((f"{o.plan.title} ({o.id})" for o in before if o.id < number), "")
        told = view.message(operation, self._clock(), usual=usual, behind=behind)
        await self._posts.put(
            tx,
            operation.key,
            channel=self._channel,
            message=told,
            final=operation.state.final,
        )

    async def run(self, operation: int) -> None:
        """The job: runs a queued operation, or tells the truth about one whose process died."""
        async with self.database.transaction() as tx:
            found = await store.get(tx, operation)
        async with held_lock(self.database.url, f"target:{found.plan.target}"):
            async with self.database.transaction() as tx:
                found = await store.get(tx, operation)
                began = await store.start(tx, operation)
                if began:
                    tx.record(_event(found, "operation.started"))
                    await self.show(tx, operation)
            if began:
                await self._end(operation, await self._perform(operation))
            elif found.state is OperationState.RUNNING:
                await self._end(operation, await self._found_running(found))

    async def _perform(self, number: int) -> Ending:
        """Runs the steps one after another until the last, the first that fails, or a cancel."""
        try:
            async with self.database.transaction() as tx:
                operation = await store.get(tx, number)
            for position in range(len(operation.steps)):
                async with self.database.transaction() as tx:
                    operation = await store.get(tx, number)
                    if operation.cancel_by:
                        return CANCELLATION
                    await store.begin_step(tx, number, position)
                    await self.show(tx, number)
                    operation = await store.get(tx, number)
                await self._run_step(operation, operation.steps[position])
        except asyncio.CancelledError:
            return await self._why_cancelled(number)
        except psycopg.OperationalError as error:
            logger.warning("database lost in a step", extra={"error": str(error)})
            told = "Opsbell's own database went away during the operation."
            return Ending(OperationState.FAILED, error=told)
        except Failed as error:
            return Ending(OperationState.FAILED, error=str(error), output=error.output)
        except OpsbellError as error:
            return Ending(OperationState.FAILED, error=str(error))
        except Exception:
            reference = uuid.uuid4().hex[:8]
            logger.exception("step failed", extra={"reference": reference, "operation": number})
            told = f"Something went wrong inside Opsbell. Its log says more under {reference}."
            return Ending(OperationState.FAILED, error=told)
        return Ending(OperationState.DONE)

    async def _run_step(self, operation: Operation, step: Step) -> None:
        result = await self._kinds[step.planned.kind].run(Context(self, operation, step))
        await self._step_done(operation, step, result)

    async def _step_done(self, operation: Operation, step: Step, result: Mapping[str, Any]) -> None:
        values = dict(result)
        note = str(values.pop("note", ""))
        async with self.database.transaction() as tx:
            await store.end_step(
                tx, operation.id, step.position, StepState.DONE, note=note, result=values
            )
            detail = {"step": step.planned.kind, "note": note}
            tx.record(_event(operation, "operation.step", detail=detail))
            await self.show(tx, operation.id)

    async def _was_done(self, operation: Operation, step: Step) -> bool:
        """Whether a step whose end was not seen has done what it is for; marks it so."""
        try:
            result = await self._kinds[step.planned.kind].done(Context(self, operation, step))
        except Exception:
            logger.exception("step not looked at", extra={"operation": operation.id})
            return False
        if result is not None:
            await self._step_done(operation, step, result)
        return result is not None

    async def _why_cancelled(self, number: int) -> Ending:
        """A person's wish, or this process being stopped."""
        async with self.database.transaction() as tx:
            operation = await store.get(tx, number)
        if not operation.cancel_by:
            return _interruption(operation, "Opsbell was stopped")
        for step in operation.steps:
            if step.state is StepState.RUNNING:
                await self._was_done(operation, step)
        return CANCELLATION

    async def _found_running(self, operation: Operation) -> Ending:
        """How an operation ended whose process went away: well, if all it is for is so."""
        if operation.cancel_by:
            return CANCELLATION
        for step in operation.steps:
            if step.state is not StepState.DONE and not await self._was_done(operation, step):
                return _interruption(operation, "Opsbell was killed or lost power")
        return Ending(OperationState.DONE)

    async def _end(self, number: int, ending: Ending) -> None:
        """Undoes what did not end well, then commits the end. A cancel no longer disturbs it."""
        closing = asyncio.ensure_future(self._close(number, ending))
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise

    async def _close(self, number: int, ending: Ending) -> None:
        async with self.database.transaction() as tx:
            operation = await store.get(tx, number)
        if ending.state is not OperationState.DONE:
            trouble = await self._undo(operation)
            ending = replace(ending, error=" ".join(filter(None, (ending.error, trouble))))
        async with self.database.transaction() as tx:
            for step in operation.steps:
                if step.state is StepState.RUNNING and ending.state is not OperationState.DONE:
                    await store.end_step(
                        tx, number, step.position, ending.step_state, note="", result={}
                    )
            finished = await store.finish(
                tx, number, ending.state, error=ending.error, output=ending.output
            )
            if not finished:
                return
            outcome = "ok" if ending.state is OperationState.DONE else "failed"
            detail = {"state": ending.state.value, "error": ending.error}
            tx.record(_event(operation, "operation.finished", outcome=outcome, detail=detail))
            await self.show(tx, number)
            if ending.state in (OperationState.FAILED, OperationState.INTERRUPTED):
                told = view.alarm(await store.get(tx, number))
                await self._posts.put(
                    tx, f"{operation.key}:alarm", channel=self._channel, message=told
                )

    async def _undo(self, operation: Operation) -> str:
        """Undoes the steps that were begun, the last first; what could not be undone, in words."""
        troubles = []
        for step in reversed([s for s in operation.steps if s.state is not StepState.OPEN]):
            try:
                await self._kinds[step.planned.kind].undo(Context(self, operation, step))
            except Exception as error:
                logger.exception("undo failed", extra={"operation": operation.id})
                told = str(error) if isinstance(error, OpsbellError) else type(error).__name__
                troubles.append(f"{step.planned.title} could not be undone: {told}.")
        return " ".join(troubles)


def _interruption(operation: Operation, cause: str) -> Ending:
    """What is known after the process that ran the operation went away."""
    running = next((s for s in operation.steps if s.state is StepState.RUNNING), None)
    at = f" during «{running.planned.title}»" if running else " between two steps"
    return Ending(
        OperationState.INTERRUPTED,
        StepState.INTERRUPTED,
        error=f"Interrupted{at}: {cause}. What was unfinished has been removed.",
    )


def _event(
    operation: Operation,
    action: str,
    *,
    outcome: str = "ok",
    detail: Mapping[str, Any] | None = None,
) -> Event:
    return Event(
        actor=operation.actor,
        action=action,
        subject=operation.key,
        target=operation.plan.target,
        outcome=outcome,
        detail={"runbook": operation.plan.runbook, **(detail or {})},
    )
