"""The steps `maintenance.on` and `maintenance.off`, for operations of every kind.

The file says which operation put it there, so that what an operation undoes is its own file and
nobody else's, also after a crash: the file is looked at, not the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.config import targets as configured
from bot.config.settings import Settings
from bot.errors import Failed
from bot.maintenance import store
from bot.maintenance.file import MaintenanceFile, maintenance_file
from bot.maintenance.model import State, Wish
from bot.maintenance.notice import Notice
from bot.maintenance.proof import OFF, ON, PATIENCE, Proof, prove
from bot.maintenance.records import Records
from bot.maintenance.windows import Windows
from bot.operations.model import StepContext
from bot.operations.plan import PlannedStep
from bot.operations.states import StepState
from bot.store.database import Database, Transaction
from bot.targets.targets import Targets

ON_KIND, OFF_KIND = "maintenance.on", "maintenance.off"

Result = Mapping[str, Any]

_LIMIT = 120.0


def on_step(
    target: str,
    settings: configured.Target,
    reason: str = "",
    *,
    arguments: Mapping[str, Any] | None = None,
) -> PlannedStep:
    """A step that puts a target into maintenance, for any plan. Where it is in maintenance already
    it stays as it is, and the plan's `off_step` leaves it on.

    Its result has `was_on`, and `proven`: whether the page answers 503. That it does not is said
    loudly and is no failure: a page that is down could not be repaired otherwise.
    """
    place = _place(settings)
    return PlannedStep(
        ON_KIND,
        "Maintenance on",
        {"reason": reason, "embedded": True, **(arguments or {})},
        command=f"create {place}",
        risk="Visitors meet the maintenance page.",
        undo=f"remove {place}, unless it was there before",
        limit=_LIMIT,
        repeatable=True,
        left_out=_missing(target, settings),
    )


def off_step(
    target: str,
    settings: configured.Target,
    *,
    always: bool = False,
    arguments: Mapping[str, Any] | None = None,
) -> PlannedStep:
    """A step that takes a target out of maintenance. Where the same operation has found it in
    maintenance already, it stays on: that is somebody else's to end."""
    place = _place(settings)
    return PlannedStep(
        OFF_KIND,
        "Maintenance off",
        dict(arguments or {}),
        command=f"remove {place}",
        undo=f"create {place} again, if it was there",
        limit=_LIMIT,
        retries=2,
        repeatable=True,
        always=always,
        left_out=_missing(target, settings),
    )


def _place(settings: configured.Target) -> str:
    where = settings.maintenance
    if where is None:
        return "the maintenance file"
    if where.service:
        return f"{where.file} in {where.service}"
    return str(settings.path(where.file))


def _missing(target: str, settings: configured.Target) -> str:
    return "" if settings.maintenance else f"{target} has no maintenance file configured"


class Switch:
    """What both steps do: the file, the record of it, and the look at the page."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        database: Database,
        records: Records,
        windows: Windows,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self.database = database
        self.records = records
        self.windows = windows
        self._settings = settings
        self._targets = targets
        self._patience = patience

    def file(self, target: str) -> MaintenanceFile:
        """The target's maintenance file. Raises Refused where none is configured."""
        return maintenance_file(self._targets.get(target), self._settings.target(target))

    async def proved(
        self, context: StepContext, target: str, wanted: int, window: int | None
    ) -> Result:
        """Looks whether the page follows, keeps that, and says it as a step's result."""
        where = self._settings.target(target).maintenance
        if where is None or where.url is None:
            return {"note": "not proven: no URL is configured", "proven": None}
        await context.progress(f"waiting for {wanted} at {where.url}")
        proof = await prove(where.url, wanted, patience=self._patience)
        if window is not None:
            async with self.database.transaction() as tx:
                await self.windows.proved(tx, window, proof)
        return {"note": _said(proof), "proven": proof.sound, "status": proof.status}


def _said(proof: Proof) -> str:
    if proof.sound:
        return f"{proof.status} proven"
    return f"{'on' if proof.wanted == ON else 'off'}, but {proof.said}"


class OnStep:
    """Makes the file; see `bot.operations.model.StepKind`."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    async def run(self, context: StepContext) -> Result:
        """Makes the file, unless it is there, and looks at the page. Raises Failed."""
        operation, wish = context.operation, _wish(context)
        file = self._switch.file(wish.target)
        there = await file.read()
        others = there is not None and there.operation != operation.id
        if others and wish.embedded:
            proved = await self._switch.proved(context, wish.target, ON, None)
            return {**proved, "note": f"was on before, {proved['note']}", "was_on": True}
        async with self._switch.database.transaction() as tx:
            active = await store.lock_active(tx, wish.target) if others else None
            if active:
                raise Failed(
                    f"Nothing was changed: {wish.target} is in maintenance already"
                    f" (maintenance {active.id}).",
                    hint="Extend it with /maintenance extend, or end it with /maintenance off.",
                )
            window = await self._switch.windows.begin(tx, wish, operation.id, before=others)
        if window.state is State.MISSED:
            raise Failed("Not turned on: the time that was scheduled has passed.")
        await file.put(self._switch.records.notice(window))
        return await self._is_on(context, window.id)

    async def undo(self, context: StepContext) -> None:
        """Removes the file if this operation made it. One that was there before stays."""
        operation = context.operation
        file = self._switch.file(operation.plan.target)
        there = await file.read()
        if there is not None and there.operation == operation.id:
            if there.before:
                await file.put(Notice(target=there.target))
            else:
                await file.remove()
        async with self._switch.database.transaction() as tx:
            await self._switch.windows.undone(tx, operation.id)

    async def done(self, context: StepContext) -> Result | None:
        """Its result where the file is there and was made by this operation."""
        operation = context.operation
        there = await self._switch.file(operation.plan.target).read()
        if there is None or there.operation != operation.id:
            return None
        async with self._switch.database.transaction() as tx:
            window = await store.turned_on_by(tx, operation.id)
        return await self._is_on(context, window.id) if window else None

    async def _is_on(self, context: StepContext, number: int) -> Result:
        async with self._switch.database.transaction() as tx:
            window = await self._switch.windows.began(tx, number)
        proved = await self._switch.proved(context, window.target, ON, number)
        return {**proved, "was_on": False, "window": number}


class OffStep:
    """Removes the file; see `bot.operations.model.StepKind`."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    async def run(self, context: StepContext) -> Result:
        """Removes the file and looks at the page."""
        operation, target = context.operation, context.operation.plan.target
        if operation.results().get(ON_KIND, {}).get("was_on"):
            return {"note": "stays on: it was on before", "kept": True}
        file = self._switch.file(target)
        there = await file.read()
        async with self._switch.database.transaction() as tx:
            if await self._is_outdated(tx, context):
                return {"note": "nothing to do: it was extended or ended meanwhile", "kept": True}
            window = await self._switch.windows.ending(tx, target, operation.id, there)
        was_on = await file.remove()
        if window:
            async with self._switch.database.transaction() as tx:
                await self._switch.windows.ended(tx, window.id, operation.actor)
        proved = await self._switch.proved(context, target, OFF, window.id if window else None)
        note = proved["note"] if was_on else f"was off already, {proved['note']}"
        return {**proved, "note": note, "kept": False}

    async def undo(self, context: StepContext) -> None:
        """Makes the file again if this operation has removed it.

        Not where the target has been put into maintenance since, nor where the step that made the
        file is undone already: nobody would remove it.
        """
        if _is_on_undone(context):
            return
        async with self._switch.database.transaction() as tx:
            window = await store.turned_off_by(tx, context.operation.id)
            active = await store.lock_active(tx, window.target) if window else None
        if window is None or (active and active.id != window.id):
            return
        file = self._switch.file(window.target)
        if await file.read() is None:
            await file.put(self._switch.records.notice(window))
        async with self._switch.database.transaction() as tx:
            await self._switch.windows.reopened(tx, window.id)

    async def done(self, context: StepContext) -> Result | None:
        """Removes what may still be there: an application is not left closed by a crash."""
        return await self.run(context)

    async def _is_outdated(self, tx: Transaction, context: StepContext) -> bool:
        """Whether this was to end a maintenance whose end has moved, or that is over."""
        arguments = context.step.planned.arguments
        if "until" not in arguments:
            return False
        window = await store.lock_active(tx, context.operation.plan.target)
        if window is None or window.id != arguments["window"] or window.until is None:
            return True
        return window.until != datetime.fromisoformat(arguments["until"])


def _is_on_undone(context: StepContext) -> bool:
    """Whether an earlier try to undo the operation has undone a step before this one that turned
    maintenance on."""
    before = context.operation.steps[: context.step.position]
    return any(s.planned.kind == ON_KIND and s.state is StepState.UNDONE for s in before)


def _wish(context: StepContext) -> Wish:
    arguments = context.step.planned.arguments
    seconds = arguments.get("seconds")
    return Wish(
        target=context.operation.plan.target,
        actor=context.operation.actor,
        reason=arguments.get("reason", ""),
        length=timedelta(seconds=seconds) if seconds else None,
        scheduled=arguments.get("window"),
        embedded=bool(arguments.get("embedded")),
    )
