"""Files of a set: archives made of this machine's files, or by `tar` in a service's container."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.backups.disk import CompressedArchive
from bot.backups.meter import Meter
from bot.backups.model import SetFile
from bot.backups.processes import failure, said, write_out
from bot.backups.tar import OURS, Notes, Source, TarStream
from bot.backups.threads import in_thread
from bot.targets.marked import MARK
from bot.targets.model import Target
from bot.targets.waiting import to_the_end

_TELL_EVERY = 0.5
_QUICK = timedelta(seconds=30)
_MEASURE_LIMIT = timedelta(minutes=5)

# What GNU tar and busybox's say of files that others remove or change meanwhile. With anything
# else among it, the exit status 1 is a failure: busybox gives it for every one.
_UNSTEADY = re.compile(
    r"changed as we read it|removed before we read it|vanished|shrank by \d+ bytes"
    r"|No such file or directory|short read|socket ignored|unknown file type"
    r"|exit delayed from previous errors|Removing leading"
)


@dataclass(frozen=True)
class Archived:
    """A finished archive, and what to know of files that did not hold still."""

    file: SetFile
    notes: tuple[str, ...] = ()
    notes_total: int = 0


class _Stopped(Exception):
    """Ends the thread of an archive that nobody waits for any more."""


async def archive_here(sources: Sequence[Source], path: Path, meter: Meter) -> Archived:
    """Archives files of this machine. Raises OSError for what cannot be read or written."""
    stopped = threading.Event()
    written = [0]

    def work() -> Archived:
        with CompressedArchive(path) as file:

            def write(data: bytes) -> None:
                if stopped.is_set():
                    raise _Stopped
                file.write(data)
                written[0] = file.size

            stream = TarStream(write)
            for source in sources:
                stream.add(source)
            stream.end()
            return _archived(file.finish(), stream.notes)

    working = asyncio.create_task(in_thread(work))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_TELL_EVERY)
            await meter.show(written[0])
    finally:
        if not working.done():
            stopped.set()
            await to_the_end(asyncio.wait({working}))
            working.exception()  # marks it as seen: the thread was told to stop
    return working.result()


async def archive_in(
    target: Target, service: str, inner: str, path: Path, meter: Meter, mark: str
) -> Archived:
    """Archives a path of a service's container; `mark` is what its processes are found
    by. Raises Failed and Unavailable."""
    directory = await target.run(["test", "-d", inner], timeout=_QUICK, service=service)
    # The slash at the end follows a link that the path itself may be.
    member = inner.removeprefix("/") + ("/" if directory.status == 0 else "")
    exclude = await _exclude(target, service)
    argv = ["tar", "-c", "-f", "-", *exclude, "-C", "/", "--", member]
    with CompressedArchive(path) as file:
        async with target.process(argv, service=service, environment={MARK: mark}) as process:
            await write_out(process.chunks(), file.write, lambda: meter.show(file.size))
            status = await process.wait()
            notes = judge(target, status, process.error_tail)
        return _archived(await in_thread(file.finish), notes)


async def size_in(target: Target, service: str, inner: str) -> int:
    """About how many bytes a path of a service's container takes, with what is ours in it."""
    argv = ["du", "-s", "-k", "--", inner]
    done = await target.run(argv, timeout=_MEASURE_LIMIT, service=service)
    first = done.stdout.split("\t", 1)[0].strip()
    if not first.isdigit():
        raise failure(target, f"Measuring {inner} in {service}", done.status, done.stderr)
    return int(first) * 1024


async def _exclude(target: Target, service: str) -> Sequence[str]:
    """The option that leaves out what is ours, at any depth: GNU tar has it, busybox's only as
    some build it. Where there is none, what is ours goes along."""
    option = f"--exclude={OURS}*"
    argv = ["tar", "-c", "-f", "/dev/null", option, "-C", "/", "--", "dev/null"]
    done = await target.run(argv, timeout=_QUICK, service=service)
    return [option] if done.status == 0 else []


def judge(target: Target, status: int, error_tail: str) -> Notes:
    """What tar said, where it only found files unsteady; raises Failed for all else."""
    lines = said(target, error_tail)
    if status > 1 or (status and not all(map(_UNSTEADY.search, lines))):
        raise failure(target, "tar", status, error_tail)
    notes = Notes()
    for line in lines:
        notes.add(line.removeprefix("tar: "))
    return notes


def _archived(file: SetFile, notes: Notes) -> Archived:
    return Archived(file, tuple(notes.kept), notes.total)
