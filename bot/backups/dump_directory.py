"""A directory dump by several sessions at once: made here, or in a container and fetched."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from bot.backups import disk
from bot.backups.dump_receiving import ReceivedFiles
from bot.backups.dump_scratch import Place, scratch_name
from bot.backups.dump_script import DUMP_BESIDE, DUMPED
from bot.backups.meter import Meter
from bot.backups.model import SetFile
from bot.backups.processes import failure, lines_of, write_out
from bot.backups.threads import in_thread
from bot.errors import Failed
from bot.targets.marked import MARK
from bot.targets.model import Process, Target

_LOOK_EVERY = 0.5
_DUMP = "dump"

# What ends a dump by several sessions, and not one by a single session: a lock that someone else
# waits for, a session too many; in a container, no room for the scratch files, or a pg_dump so old
# that it always waits for the disk.
_FOR_SESSIONS = re.compile(
    r"could not obtain lock on relation|too many (clients|connections)|connection slots"
)
_FOR_SCRATCH = re.compile(r"No space left on device|scratch files|unrecognized option")


class OnlyAlone(Failed):
    """A dump failed for being one by several sessions, or for its scratch files."""


async def dump_here(
    target: Target,
    argv: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    meter: Meter,
    jobs: int,
) -> tuple[SetFile, ...]:
    """Runs pg_dump on this machine straight into `directory`, which must not exist; its files, all
    on the disk. Raises OnlyAlone and other Failed, Unavailable, OSError."""
    watching = asyncio.create_task(_watch(directory, meter))
    try:
        async with target.process(
            [*argv, f"--jobs={jobs}", f"--file={directory}"], environment=environment
        ) as process:
            if status := await process.wait():
                raise _failed(target, status, process.error_tail, _FOR_SESSIONS)
    finally:
        watching.cancel()
        await asyncio.wait({watching})
    return await in_thread(_adopt, directory)


async def dump_out_of(
    target: Target,
    service: str,
    argv: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    meter: Meter,
    jobs: int,
    place: Place,
    dumped: asyncio.Event,
) -> tuple[SetFile, ...]:
    """Runs pg_dump in a service's container, with scratch files at `place`, and fetches what it
    has written into `directory`; its files, all on the disk. `dumped` is set before they are
    fetched. Raises like `dump_here`.

    The scratch files may be left behind where this raises: see `remove_abandoned`.
    """
    mark = environment[MARK]
    scratch = f"{place.path.rstrip('/')}/{scratch_name(mark)}"
    script = ["sh", "-c", DUMP_BESIDE, "sh", scratch, str(place.reserve // 1024), mark]
    async with target.process(
        [*script, *argv, f"--jobs={jobs}"], service=service, environment=environment, stdin=True
    ) as process:
        written, whole = 0, False
        async with aclosing(lines_of(process)) as lines:
            async for line in lines:
                if whole := line == DUMPED:
                    break
                written = int(line) * 1024
                await meter.show(written)
        files: tuple[SetFile, ...] = ()
        if whole:
            dumped.set()
            tar = ["tar", "-c", "-f", "-", "-C", scratch, _DUMP]
            async with target.process(tar, service=service, environment=environment) as sending:
                files = await _fetch(target, sending, directory, meter, written)
            await process.end_input()
        if status := await process.wait():
            raise _failed(target, status, process.error_tail, _FOR_SESSIONS, _FOR_SCRATCH)
    return files


async def _fetch(
    target: Target, sending: Process, directory: Path, meter: Meter, written: int
) -> tuple[SetFile, ...]:
    with ReceivedFiles(directory, _DUMP) as files:
        chunks = sending.chunks()
        await write_out(chunks, files.feed, lambda: meter.show_fetched(files.size, written))
        if status := await sending.wait():
            raise failure(target, "tar", status, sending.error_tail)
        return await in_thread(files.finish)


def _failed(target: Target, status: int, error_tail: str, *alone: re.Pattern[str]) -> Failed:
    error = failure(target, "pg_dump", status, error_tail)
    if any(each.search(error_tail) for each in alone):
        return OnlyAlone(error.message, hint=error.hint, output=error.output)
    return error


async def _watch(directory: Path, meter: Meter) -> None:
    """Tells how much is there, now and then."""
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        await meter.show(await in_thread(_size, directory))


def _size(directory: Path) -> int:
    if not directory.exists():
        return 0
    # Nothing is removed from it while pg_dump writes it.
    return sum(path.stat().st_size for path in directory.iterdir())


def _adopt(directory: Path) -> tuple[SetFile, ...]:
    """Makes the files that pg_dump has written, and synced, files of a set."""
    disk.make_directory(directory)
    return tuple(_adopted(path) for path in sorted(directory.iterdir()))


def _adopted(path: Path) -> SetFile:
    path.chmod(0o600)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        name = f"{path.parent.name}/{path.name}"
        return SetFile(path=name, size=file.tell(), sha256=sha256)
