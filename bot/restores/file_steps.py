"""The steps of a restore that are about files: unpacked beside, exchanged, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot import words
from bot.backups.sources import Part, parts_of
from bot.backups.threads import in_thread
from bot.errors import Failed
from bot.operations.model import Operation, StepContext
from bot.operations.states import StepState
from bot.restores import keeping, stages, store, unpacking
from bot.restores.closing import in_maintenance, release
from bot.restores.files import Files, HereFiles, files_at, files_beside
from bot.restores.running import Restore, Result
from bot.targets.waiting import to_the_end


async def unpack_files(restore: Restore, context: StepContext) -> Result:
    """Unpacks a part beside the live files."""
    part = _part(restore, context)
    files = await files_beside(restore, part)
    await keeping.lay_beside(restore, part.name, files.place())
    async with restore.fetched(part.name) as directory:
        note = await files.unpack(directory / part.archive, context)
    return {"note": note, "place": dict(files.place())}


async def undo_unpack(restore: Restore, context: StepContext) -> None:
    """Removes what was unpacked, unless it was in use and is kept."""
    part = _part(restore, context)
    files = await files_beside(restore, part)
    await files.end_work()
    async with restore.database.transaction() as tx:
        kept = await store.of_target(tx, restore.target.name)
    if any((one.operation, one.part) == (restore.operation.id, part.name) for one in kept):
        return
    if await files.begun(restore.operation.id):
        raise Failed(f"The old files of {part.name} still lie aside: they were not removed.")
    await files.remove()
    await keeping.forget(restore, part.name)


async def move_files(restore: Restore, context: StepContext) -> Result:
    """Exchanges the live files with those beside, with the application in maintenance."""
    part, files = _part(restore, context), _files(restore, context)
    async with in_maintenance(restore, "files are being restored") as told:
        # Short, and not to be cut off in the middle.
        late = await to_the_end(files.exchange(restore.operation.id))
    told += [f"what was made meanwhile was put aside: {path}" for path in late]
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
    files = await files_beside(restore, found)
    size = await in_thread(unpacking.unpacked_size, archive)
    if isinstance(files, HereFiles):
        await in_thread(stages.check_writable, files.stages, size)
    return f"{part} {words.size(size)}"


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
