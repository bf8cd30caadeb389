"""Whether a set on the disk is what was written: every file read back, every archive to its end."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

import zstandard

from bot import words
from bot.backups import disk
from bot.backups.model import ARCHIVE, SetFile
from bot.backups.running import Backup, Result
from bot.backups.threads import in_thread
from bot.errors import Failed
from bot.operations.model import StepContext
from bot.operations.states import StepState
from bot.targets.waiting import to_the_end

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_TELL_EVERY = 0.5
_READ_SIZE = 1 << 20
_TAR_END = bytes(1024)
"""Two blocks of zeros end an archive; without them it may have been cut off between two files."""


class Damaged(Failed):
    """A file of a set is not what was written, or cannot be read."""


class _Stopped(Exception):
    """Ends the thread of a check that nobody waits for any more."""


async def verify(backup: Backup, context: StepContext) -> Result:
    """Reads back what the backup has written so far. Raises Damaged: then it becomes no set."""
    done = [step for step in backup.operation.steps if step.state is StepState.DONE]
    ours = [step.result for step in done if step.planned.kind.startswith("backup.")]
    files = [SetFile(**file) for result in ours for file in result.get("files", ())]
    total = sum(file.size for file in files)

    async def tell(read: int) -> None:
        await context.progress(f"{words.size(read)} read back", read / total if total else None)

    await check_files(backup.partial, files, tell)
    return {"note": f"{words.count(len(files), 'file')}, {words.size(total)} read back"}


async def check_files(
    directory: Path, files: Iterable[SetFile], tell: Callable[[int], Awaitable[None]]
) -> None:
    """Compares files below `directory` with their sizes and checksums, as the disk has them, and
    reads archives to their end. `tell` hears now and then how many bytes were read.

    Raises Damaged for the first file that is not what it should be.
    """
    stopped = threading.Event()
    read = [0]

    def count(size: int) -> None:
        if stopped.is_set():
            raise _Stopped
        read[0] += size

    def work() -> None:
        for file in files:
            _check(directory, file, count)

    working = asyncio.create_task(in_thread(work))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_TELL_EVERY)
            await tell(read[0])
    finally:
        if not working.done():
            stopped.set()
            await to_the_end(asyncio.wait({working}))
            working.exception()  # marks it as seen: the thread was told to stop
    working.result()


class _Hashed(io.RawIOBase):
    """A file that is hashed and counted while it is read."""

    def __init__(self, file: io.FileIO, count: Callable[[int], None]) -> None:
        super().__init__()
        self._file = file
        self._count = count
        self.size = 0
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        """True: see RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills the buffer as far as the file reaches; 0 at its end."""
        view = memoryview(buffer)
        size = self._file.readinto(view)
        self._count(size)
        self.size += size
        self.sha256.update(view[:size])
        return size


class _Plain(io.RawIOBase):
    """An archive's plain contents, of which the last bytes are remembered."""

    def __init__(self, compressed: IO[bytes]) -> None:
        super().__init__()
        self._reader = disk.plain(compressed)
        self.tail = b""

    def read(self, size: int = _READ_SIZE, /) -> bytes:
        """The next bytes; none at the end. Raises ZstdError."""
        data = self._reader.read(size)
        self.tail = (self.tail + data)[-len(_TAR_END) :]
        return data


def _check(directory: Path, file: SetFile, count: Callable[[int], None]) -> None:
    try:
        with (directory / file.path).open("rb", buffering=0) as opened:
            # What the kernel still holds in memory may not be what the disk has.
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            hashed = _Hashed(opened, count)
            buffered = io.BufferedReader(hashed, _READ_SIZE)
            trouble = _archive_trouble(buffered) if file.path.endswith(ARCHIVE) else ""
            while buffered.read(_READ_SIZE):
                pass
    except OSError as error:
        raise _damaged(file, f"is not readable: {error.strerror}") from error
    if hashed.size != file.size:
        raise _damaged(file, f"has {hashed.size} bytes instead of {file.size}")
    if hashed.sha256.hexdigest() != file.sha256:
        raise _damaged(file, "does not have the checksum that it was written with")
    if trouble:
        raise _damaged(file, trouble)


def _archive_trouble(compressed: IO[bytes]) -> str:
    """What keeps an archive from being unpacked; "" where it can be read to its end."""
    plain = _Plain(compressed)
    try:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            while tar.next() is not None:
                # It would remember all members, be they a million.
                vars(tar)["members"].clear()
        while plain.read():
            pass
    except (tarfile.TarError, zstandard.ZstdError) as error:
        return f"cannot be unpacked: {error}"
    return "" if plain.tail == _TAR_END else "ends before the end of the archive"


def _damaged(file: SetFile, what: str) -> Damaged:
    return Damaged(
        f"{file.path} {what}.",
        hint="Look at the disk and the kernel's log (dmesg) of the machine that keeps the set.",
    )
