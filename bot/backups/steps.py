"""The steps of a backup up to its last file; `bot.backups.publishing` makes it a set."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from bot import words
from bot.backups import archive, disk
from bot.backups.model import DATABASE, BackupSet
from bot.backups.running import Backup, Result, remove_partial
from bot.backups.set_store import newest
from bot.backups.sources import Part
from bot.backups.tar import size_below
from bot.backups.threads import in_thread
from bot.errors import Failed, NotFound, OpsbellError
from bot.operations.model import StepContext

logger = logging.getLogger(__name__)

SPARE = 1.2
"""Free space wanted, as a multiple of what the parts took last time."""

_QUICK = timedelta(seconds=30)


async def check(backup: Backup, context: StepContext) -> Result:
    """Makes sure that the sources are there and that the store has room, and begins the set."""
    for part in backup.parts:
        await _find_sources(backup, part)
    told = await _begin(backup)
    sets = await backup.store.sets()
    needed = sum([await _expected(backup, part, sets) for part in backup.include])
    free = (await in_thread(shutil.disk_usage, backup.partial)).free
    if needed > free:
        raise Failed(
            f"Not enough space in {backup.store.directory}: {words.size(free)} free, about"
            f" {words.size(needed)} needed.",
            hint=f"Free some, or keep fewer backups (backups.{backup.target.name}.keep).",
        )
    room = f"{words.size(free)} free, about {words.size(needed)} needed"
    before = {part: one.part_size(part) for part in backup.include if (one := newest(sets, [part]))}
    return {"note": f"{told}, {room}" if told else room, "before": before}


async def dump_database(backup: Backup, context: StepContext) -> Result:
    """Writes the database and its roles."""
    meter = backup.meter(context, DATABASE)
    dumped = await backup.database.dump(backup.partial, meter)
    tables = words.count(len(dumped.tables), "table")
    rows = words.count(sum(dumped.tables.values()), "row")
    jobs = f", {dumped.jobs} jobs" if dumped.jobs > 1 else ""
    return {
        "note": f"{words.size(dumped.size)}, {tables}, {rows}{jobs}",
        "files": [file.model_dump() for file in dumped.files],
        "tables": dict(dumped.tables),
        "tool_versions": dict(dumped.versions),
    }


async def undo_database(backup: Backup, context: StepContext) -> None:
    """Ends what may still run on the server, and removes what was written.

    A server that does not answer has no session left to end, or will end it itself: a snapshot
    by its limit on idle transactions, a dump when it finds nobody to send to.
    """
    with _leftovers_logged():
        await backup.database.end_leftovers()
    await remove_partial(backup, context)


async def archive_files(backup: Backup, context: StepContext) -> Result:
    """Writes the archive that the step's argument `part` names."""
    part = _part(backup, context)
    meter = backup.meter(context, part.name)
    path = backup.partial / part.archive
    if part.service:
        done = await archive.archive_in(
            backup.target, part.service, part.inner, path, meter, backup.mark
        )
    else:
        done = await archive.archive_here(part.sources, path, meter)
    note = words.size(done.file.size)
    if done.notes_total:
        note += f", {words.count(done.notes_total, 'file')} did not hold still"
    notes = [backup.target.redact(each) for each in done.notes]
    return {"note": note, "files": [done.file.model_dump()], "notes": {part.name: notes}}


async def undo_files(backup: Backup, context: StepContext) -> None:
    """Ends what may still run in the service's container, and removes what was written. What ran
    in a container that no longer runs has ended with it."""
    with _leftovers_logged():
        if service := _part(backup, context).service:
            await backup.target.end_marked(backup.mark, service=service)
    await remove_partial(backup, context)


def _part(backup: Backup, context: StepContext) -> Part:
    """The part that the step's argument names."""
    name = context.step.planned.arguments["part"]
    return next(part for part in backup.parts if part.name == name)


@contextlib.contextmanager
def _leftovers_logged() -> Iterator[None]:
    """What could not be ended keeps nothing else from being undone."""
    try:
        yield
    except OpsbellError as error:
        logger.warning("leftovers not ended", extra={"error": str(error)})


async def _find_sources(backup: Backup, part: Part) -> None:
    """Raises NotFound for a source that is not there, Failed for one that holds the store."""
    where = f"targets.{backup.target.name}.{'config' if part.name == 'config' else 'files'}"
    hint = f"Correct {where} or what the backup includes."
    if part.service:
        argv = ["test", "-e", part.inner]
        found = await backup.target.run(argv, timeout=_QUICK, service=part.service)
        if found.status:
            raise NotFound(f"{part.inner} does not exist in {part.service}.", hint=hint)
        return
    stores = [path.resolve() for path in backup.store.places()]
    for source in part.sources:
        if not await asyncio.to_thread(source.path.exists):
            raise NotFound(f"{source.path} does not exist.", hint=hint)
        if any(store.is_relative_to(source.path.resolve()) for store in stores):
            raise Failed(
                f"The backups lie inside {source.path}, which is to be backed up.",
                hint=f"Move backups.{backup.target.name}.store elsewhere.",
            )


async def _begin(backup: Backup) -> str:
    """Makes the directory of the set, once what dead backups left is gone; what to know of the
    store."""
    told = await backup.store.prepare()
    if cleared := await backup.store.clear():
        logger.info("partial sets removed", extra={"count": cleared})
    await in_thread(disk.make_directory, backup.partial)
    return told


async def _expected(backup: Backup, part: str, sets: Sequence[BackupSet]) -> int:
    """The bytes that a part may take: those of last time and a bit, else what it is made of."""
    if before := newest(sets, [part]):
        return int(before.part_size(part) * SPARE)
    if part == DATABASE:
        return await backup.database.size()
    return await _source_size(backup, next(p for p in backup.parts if p.name == part))


async def _source_size(backup: Backup, part: Part) -> int:
    if part.service:
        return await archive.size_in(backup.target, part.service, part.inner)
    paths: Sequence[Path] = [source.path for source in part.sources]
    return sum([await in_thread(size_below, path) for path in paths])
