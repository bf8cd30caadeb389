"""The steps of a restore that are about files: unpacked beside, exchanged, taken back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from bot import words
from bot.backups.sources import Part, parts_of
from bot.backups.threads import in_thread
from bot.errors import Failed
from bot.operations.model import Operation, StepContext
from bot.operations.states import StepState
from bot.restores import files_here, files_in_service, keeping, store
from bot.restores.closing import in_maintenance, release
from bot.restores.files_here import Stage
from bot.restores.files_in_service import ServiceStage
from bot.restores.running import Restore, Result
from bot.targets.model import Target
from bot.targets.waiting import to_the_end

_TELL_EVERY = 0.5


class Files(Protocol):
    """The files of one part: the live ones, and those that lie beside them."""

    async def unpack(self, archive: Path, context: StepContext) -> str:
        """Unpacks beside; what was unpacked, in words."""
        ...

    async def exchange(self, operation: int) -> None:
        """Puts what lies beside in place, and what was there beside."""
        ...

    async def exchange_back(self, operation: int) -> None:
        """Takes that back, however far it came; proves it. Idempotent."""
        ...

    async def exchanged(self, operation: int) -> bool:
        """Whether it is done."""
        ...

    async def begun(self, operation: int) -> bool:
        """Whether old files may lie beside: an exchange was begun and not taken back."""
        ...

    async def remove(self) -> None:
        """Removes what lies beside."""
        ...

    async def end_work(self) -> None:
        """Ends what may still run."""
        ...

    def place(self) -> Mapping[str, Any]:
        """Where the files lie beside, as JSON."""
        ...


async def unpack_files(restore: Restore, context: StepContext) -> Result:
    """Unpacks a part beside the live files."""
    part = _part(restore, context)
    files = await _planned(restore, part)
    async with restore.fetched(part.name) as directory:
        note = await files.unpack(directory / part.archive, context)
    return {"note": note, "place": dict(files.place())}


async def undo_unpack(restore: Restore, context: StepContext) -> None:
    """Removes what was unpacked, unless it was in use and is kept."""
    part = _part(restore, context)
    files = await _planned(restore, part)
    await files.end_work()
    async with restore.database.transaction() as tx:
        kept = await store.of_target(tx, restore.target.name)
    if any((one.operation, one.part) == (restore.operation.id, part.name) for one in kept):
        return
    if await files.begun(restore.operation.id):
        raise Failed(f"The old files of {part.name} still lie aside: they were not removed.")
    await files.remove()


async def move_files(restore: Restore, context: StepContext) -> Result:
    """Exchanges the live files with those beside, with the application in maintenance."""
    part, files = _part(restore, context), _files(restore, context)
    async with in_maintenance(restore, "files are being restored") as told:
        # Short, and not to be cut off in the middle.
        await to_the_end(files.exchange(restore.operation.id))
    return await _settled(restore, context, part, files, told)


async def undo_move(restore: Restore, context: StepContext) -> None:
    """Puts the files back. Restored files that were in use may have changed since: they are kept
    aside."""
    part, files = _part(restore, context), _files_or_none(restore, context)
    if files is None:
        return
    await files.end_work()
    used = context.step.planned.arguments.get("kept")
    in_use = await files.exchanged(restore.operation.id)
    async with in_maintenance(restore, "files are put back"):
        await files.exchange_back(restore.operation.id)
    if used is not None:
        await keeping.unkeep(restore, part.name, used)
    elif in_use and context.step.state is StepState.DONE:
        place = {**files.place(), "undone": True}
        await keeping.keep(restore, part.name, place, None)


async def move_done(restore: Restore, context: StepContext) -> Result | None:
    """The result of an exchange that was finished."""
    part, files = _part(restore, context), _files_or_none(restore, context)
    if files is None:
        return None
    await files.end_work()
    if not await files.exchanged(restore.operation.id):
        return None
    told: list[str] = []
    await release(restore, told)
    return await _settled(restore, context, part, files, told)


async def check_files_of(restore: Restore, part: str, archive: Path) -> str:
    """Whether a part can be unpacked and moved in. Raises Failed; what it will take, in words."""
    [found] = parts_of(restore.settings, [part])
    files = await _planned(restore, found)
    size = await in_thread(files_here.unpacked_size, archive)
    if isinstance(files, HereFiles):
        await in_thread(files_here.check_writable, files.stages, size)
    return f"{part} {words.size(size)}"


def files_at(target: Target, place: Mapping[str, Any], mark: str) -> Files:
    """The files of a part by what a step has returned."""
    if "service" in place:
        stage = ServiceStage(place["service"], place["live"], place["files"])
        return ServiceFiles(target, stage, mark, into=bool(place["into"]))
    return HereFiles([Stage.from_json(each) for each in place["stages"]])


class HereFiles:
    """See Files; on this machine."""

    def __init__(self, stages: list[Stage]) -> None:
        self.stages = stages

    async def unpack(self, archive: Path, context: StepContext) -> str:
        """See Files."""
        stopped, done = threading.Event(), [0]

        def tell(written: int) -> None:
            if stopped.is_set():
                raise _Stopped
            done[0] = written

        working = asyncio.create_task(in_thread(files_here.unpack, archive, self.stages, tell))
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=_TELL_EVERY)
                await context.progress(f"{words.size(done[0])} unpacked")
        finally:
            if not working.done():
                stopped.set()
                await to_the_end(asyncio.wait({working}))
                working.exception()  # marks it as seen: the thread was told to stop
        return f"{words.count(working.result(), 'file')}, {words.size(done[0])}"

    async def exchange(self, operation: int) -> None:
        """See Files."""
        await in_thread(files_here.begin, self.stages, operation)
        await in_thread(files_here.exchange, self.stages, operation)

    async def exchange_back(self, operation: int) -> None:
        """See Files."""
        await in_thread(lambda: files_here.exchange(self.stages, operation, back=True))

    async def exchanged(self, operation: int) -> bool:
        """See Files."""
        return await in_thread(files_here.exchanged, self.stages, operation)

    async def begun(self, operation: int) -> bool:
        """See Files."""
        return await in_thread(files_here.was_begun, self.stages, operation)

    async def remove(self) -> None:
        """See Files."""
        await in_thread(files_here.remove, self.stages)

    async def end_work(self) -> None:
        """What runs here is this process's own."""

    def place(self) -> Mapping[str, Any]:
        """See Files."""
        stages = [stage.as_json() for stage in self.stages]
        directories = sorted({str(stage.directory) for stage in self.stages})
        return {"files": ", ".join(directories), "stages": stages}


class ServiceFiles:
    """See Files; in a service's container. The first exchange moves what was unpacked `into`
    place, an undo moves it out again."""

    def __init__(self, target: Target, stage: ServiceStage, mark: str, *, into: bool) -> None:
        self._target = target
        self._stage = stage
        self._mark = mark
        self._into = into

    async def unpack(self, archive: Path, context: StepContext) -> str:
        """See Files."""
        await files_in_service.unpack(self._target, self._stage, archive, self._mark, context)
        return f"unpacked into {self._stage.stage}"

    async def exchange(self, operation: int) -> None:
        """See Files."""
        await files_in_service.move(
            self._target, self._stage, operation, self._mark, into=self._into
        )

    async def exchange_back(self, operation: int) -> None:
        """See Files."""
        await files_in_service.move_back(
            self._target, self._stage, operation, self._mark, into=self._into
        )

    async def exchanged(self, operation: int) -> bool:
        """See Files."""
        return await files_in_service.was_moved(self._target, self._stage, operation)

    async def begun(self, operation: int) -> bool:
        """See Files."""
        return await files_in_service.was_begun(self._target, self._stage, operation)

    async def remove(self) -> None:
        """See Files."""
        await files_in_service.remove(self._target, self._stage)

    async def end_work(self) -> None:
        """See Files."""
        await files_in_service.end_work(self._target, self._stage.service, self._mark)

    def place(self) -> Mapping[str, Any]:
        """See Files."""
        stage = self._stage
        return {
            "files": stage.stage,
            "service": stage.service,
            "live": stage.live,
            "into": self._into,
        }


class _Stopped(Exception):
    """Ends the thread of an unpacking that nobody waits for any more."""


async def _planned(restore: Restore, part: Part) -> Files:
    """Where a part will be unpacked, or was."""
    if part.service:
        name = f"{part.name}-{restore.stamp}"
        stage = await files_in_service.find_stage(restore.target, part.service, part.inner, name)
        return ServiceFiles(restore.target, stage, restore.mark, into=True)
    return HereFiles(await in_thread(files_here.stages_of, part, restore.stamp))


def _part(restore: Restore, context: StepContext) -> Part:
    [part] = parts_of(restore.settings, [context.step.planned.arguments["part"]])
    return part


def _files(restore: Restore, context: StepContext) -> Files:
    files = _files_or_none(restore, context)
    if files is None:
        raise LookupError("nothing was unpacked")
    return files


def _files_or_none(restore: Restore, context: StepContext) -> Files | None:
    """What the step exchanges: as its plan has it, or what was unpacked; None where nothing was."""
    arguments = context.step.planned.arguments
    place = arguments.get("place") or _unpacked(restore.operation, arguments["part"])
    return files_at(restore.target, place, restore.mark) if place else None


def _unpacked(operation: Operation, part: str) -> Mapping[str, Any] | None:
    for step in operation.steps:
        planned = step.planned
        if planned.kind == "restore.unpack" and planned.arguments["part"] == part:
            return step.result.get("place")
    return None


async def _settled(
    restore: Restore, context: StepContext, part: Part, files: Files, told: list[str]
) -> Result:
    used = context.step.planned.arguments.get("kept")
    place = dict(files.place())
    if "into" in place:
        place["into"] = not place["into"]
    kept = await keeping.keep(restore, part.name, place, used)
    note = f"what was there is kept until {restore.moment(kept.until)}"
    return {"note": " · ".join([note, *told]), "place": place}
