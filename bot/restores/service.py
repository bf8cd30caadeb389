"""The verbs of restores: plan, undo, look; and the steps they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bot.backups.model import DATABASE, BackupSet
from bot.backups.service import Backups
from bot.backups.sources import known_parts, parts_of
from bot.backups.threads import in_thread
from bot.config.settings import Settings
from bot.errors import Failed, NotFound, OpsbellError, Refused
from bot.operations.model import Operation, Step
from bot.operations.plan import Plan
from bot.operations.service import Operations
from bot.operations.states import Course, OperationState
from bot.operations.work_step import WorkStep
from bot.restores import databases, store, view
from bot.restores.checking import check
from bot.restores.database_steps import (
    load_database,
    swap_database,
    swap_done,
    undo_load,
    undo_swap,
)
from bot.restores.file_steps import (
    move_done,
    move_files,
    undo_move,
    undo_unpack,
    unpack_files,
)
from bot.restores.files import Files, files_at
from bot.restores.keeping import Keeping
from bot.restores.left import databases_left, files_left, files_left_in
from bot.restores.model import MOVE, RUNBOOK, SWAP, UNDO_RUNBOOK, Kept, KeptState, Left
from bot.restores.planning import NamesOf, Planning, by_id
from bot.restores.running import Maintenance, Restore
from bot.restores.server import Server
from bot.restores.statistics import Following
from bot.slack.message import Block
from bot.store.database import Database, Transaction
from bot.store.queue import Queue
from bot.targets.targets import Targets
from bot.words import join, utc_now


class Restores:
    """What the surfaces call. Registers runbooks and steps of restores with the engine."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        operations: Operations,
        backups: Backups,
        maintenance: Maintenance,
        database: Database,
        queue: Queue,
        *,
        names: NamesOf = by_id,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._operations = operations
        self._backups = backups
        self._maintenance = maintenance
        self._database = database
        self._queue = queue
        self._names = names
        self._clock = clock
        self.keeping = Keeping(database, queue, self._remove, self._tell)
        self.following = Following(queue, targets)
        for kind, step in (
            ("restore.check", WorkStep(self._find, check)),
            ("restore.load", WorkStep(self._find, load_database, undo=undo_load)),
            (
                SWAP,
                WorkStep(self._find, swap_database, undo=undo_swap, done=swap_done),
            ),
            ("restore.unpack", WorkStep(self._find, unpack_files, undo=undo_unpack)),
            (MOVE, WorkStep(self._find, move_files, undo=undo_move, done=move_done)),
        ):
            operations.register(kind, step)
        operations.add_runbook(RUNBOOK, self.plan)
        operations.add_runbook(UNDO_RUNBOOK, self._plan_undo)
        for runbook in (RUNBOOK, UNDO_RUNBOOK):
            operations.add_next_steps(runbook, self._next_steps)

    def parts(self, target: str, named: Sequence[str]) -> tuple[str, ...]:
        """The parts that words name. Raises UsageError for one that the target does not have."""
        return self._backups.parts(target, named)

    def known_parts(self, target: str) -> list[str]:
        """All parts that a target can have."""
        return known_parts(self._settings.target(target))

    async def sets(self, target: str) -> list[BackupSet]:
        """The sets that can be restored, the newest first."""
        return [one for one in await self._backups.sets(target) if one.manifest]

    async def names(self, sets: Sequence[BackupSet]) -> Mapping[str, str]:
        """What those are called who have taken them, by actor."""
        return await self._names([one.manifest.by for one in sets if one.manifest])

    async def kept(self, target: str) -> list[Kept]:
        """What restores have replaced and keep for their undo, the newest first."""
        async with self._database.transaction() as tx:
            return await store.of_target(tx, target)

    async def left(self, target: str) -> Left:
        """What restores of a target have left beside the live data, as far as it can be seen from
        here; nothing while an operation of the target is under way."""
        async with self._database.transaction() as tx:
            beside = await store.beside(tx, target)
            known = [*await store.of_target(tx, target), *beside]
            if await self._operations.unfinished(tx, target):
                return Left()
        settings, found = self._settings.target(target), self._targets.get(target)
        parts = parts_of(settings, known_parts(settings))
        here = [part for part in parts if not part.service]
        told: list[str] = []
        with suppress(OSError, OpsbellError):
            told += await in_thread(files_left, here, known)
        for part in parts:
            if part.service:
                with suppress(OpsbellError):
                    told += await files_left_in(found, part, known)
        with suppress(OpsbellError):
            told += await databases_left(Server(found, f"opsbell restore left {target}"))
        reasons = {one.id: await self._why_it_stays(one) for one in beside}
        stays = {number: why for number, why in reasons.items() if why}
        return Left(tuple(beside), stays, tuple(told))

    async def plan(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        """What a restore will do. Its steps can be placed in another plan whose facts hold its
        facts. Raises NotFound and Refused."""
        return await self._planning(target).restore(parameters)

    async def _plan_undo(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        kept = await self.kept(target)
        if "kept" not in parameters:
            chosen = _newest(target, kept, parameters.get("parts") or ())
        else:
            numbers = [int(number) for number in parameters["kept"]]
            chosen = [one for one in kept if one.id in numbers]
            if len(chosen) < len(numbers):
                raise Refused(f"What the restore of {target} had replaced is no longer kept.")
        return await self._planning(target).undo(chosen)

    async def undoing(self, number: int) -> tuple[str, dict[str, Any]]:
        """The target and the parameters of the undo of one operation. Raises NotFound where nothing
        that it has replaced is kept any more."""
        operation = await self._operations.get(number)
        async with self._database.transaction() as tx:
            kept = _undoable(await store.of_operation(tx, number))
        if not kept:
            raise NotFound(f"Nothing that operation {number} has replaced is kept any more.")
        return operation.plan.target, {"kept": [one.id for one in kept]}

    async def _next_steps(self, tx: Transaction, operation: Operation) -> list[Block]:
        """The way back from a restore, or the undo of one, as long as there is one."""
        done = operation.state is OperationState.DONE
        if not (done and _undoable(await store.of_operation(tx, operation.id))):
            return []
        return [view.undo(operation.id)]

    def _planning(self, target: str) -> Planning:
        self._backups.policy(target)
        found, settings = self._targets.get(target), self._settings.target(target)
        return Planning(self._backups, found, settings, self._names)

    async def _remove(self, kept: Kept) -> None:
        """Removes what an undo could have put back. Raises Failed where it is not what it was, and
        while an operation that was cut off may come to need it."""
        async with self._database.transaction() as tx:
            number = await self._operations.cut_off(tx, kept.target)
        if number is not None:
            raise Failed(f"operation {number} may still go on or be taken back")
        target, mark = self._targets.get(kept.target), f"opsbell restore kept {kept.id}"
        if kept.part != DATABASE:
            files = files_at(target, kept.place, mark)
            if kept.state is KeptState.BESIDE and (why := await self._still_wanted(kept, files)):
                raise Failed(f"{kept.place['files']} was not removed: {why}.")
            await files.remove()
        else:
            server = Server(target, mark)
            name = str(kept.place["database"])
            found = await server.database(name)
            if found is None:
                return
            if int(found["oid"]) != kept.place["oid"] or name == server.place.name:
                raise Failed(f"{name} is another database by now: it was not removed.")
            await databases.drop(server, name)

    async def _tell(self, tx: Transaction, kept: Kept, note: str) -> None:
        def says(step: Step) -> str:
            planned = step.planned
            part = DATABASE if planned.kind == SWAP else planned.arguments.get("part")
            return note if planned.kind in (SWAP, MOVE) and part == kept.part else ""

        await self._operations.correct(tx, kept.operation, says)

    async def _why_it_stays(self, kept: Kept) -> str:
        """Why what lies beside is not removed when its time is up; "" where it is. Never raises."""
        files = files_at(self._targets.get(kept.target), kept.place, f"opsbell left {kept.id}")
        try:
            return await self._still_wanted(kept, files)
        except (OSError, OpsbellError):
            return "whether it holds replaced files cannot be seen now"

    async def _still_wanted(self, kept: Kept, files: Files) -> str:
        """Why what was unpacked is not to be removed, as a clause; "" where nothing wants it."""
        operation = await self._operations.get(kept.operation)
        if not operation.state.final or operation.course is Course.CHOOSE:
            return f"operation {kept.operation} may still go on with it"
        if await files.begun(kept.operation):
            return "it may hold replaced files, look before it is removed"
        return ""

    def _find(self, operation: Operation) -> Restore:
        name = operation.plan.target
        return Restore(
            operation=operation,
            target=self._targets.get(name),
            settings=self._settings.target(name),
            policy=self._backups.policy(name),
            backups=self._backups,
            maintenance=self._maintenance,
            database=self._database,
            queue=self._queue,
            zone=self._settings.timezone,
            clock=self._clock,
            tell=self._tell,
        )


def _newest(target: str, kept: Sequence[Kept], parts: Sequence[str]) -> list[Kept]:
    """All that the newest restore has replaced, or those parts of it. Raises NotFound."""
    undoable = _undoable(kept)
    newest = [one for one in undoable if one.operation == undoable[0].operation]
    chosen = [one for one in newest if not parts or one.part in parts]
    if not chosen:
        there = f"Of the last one there is {join([one.part for one in newest])}." if newest else ""
        hint = there or "/restore status says what else may have been left."
        raise NotFound(f"There is no restore of {target} to undo.", hint=hint)
    return chosen


def _undoable(kept: Sequence[Kept]) -> list[Kept]:
    """What an undo puts back: not what a failure has put aside once more."""
    return [one for one in kept if not one.place.get("undone")]
