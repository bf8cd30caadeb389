"""Files and directories of a set: private whatever the umask, hashed while written, synced."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import zstandard

from bot.backups.model import SetFile

ZSTD_LEVEL = 3
_FRAME = 1 << 20
_MEMBER = b"ustar"
"""Stands in the header of each member of an archive (POSIX.1-2017, pax, "ustar Header Block")."""

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class NewFile:
    """A file of a set while it is written. Blocking: used from threads, one at a time.

    Leaving its context closes it; `finish` alone makes it whole. Raises FileExistsError where
    the file is there already, and OSError for what the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._descriptor = os.open(path, _FLAGS, 0o600)
        os.fchmod(self._descriptor, 0o600)

    def write(self, data: bytes) -> int:
        """Appends all of `data`; its length."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._sha256.update(data)
        self.size += len(data)
        return len(data)

    def finish(self) -> SetFile:
        """Waits until everything is on the disk."""
        os.fsync(self._descriptor)
        return self.written()

    def written(self) -> SetFile:
        """What was written; where it is one of many files, these are waited for together."""
        return SetFile(path=self.path.name, size=self.size, sha256=self._sha256.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)


class CompressedArchive(NewFile):
    """A tar archive of a set, compressed with zstd on the way.

    A new frame begins with the first member a mebibyte or more after the last one did. So where
    files of a mebibyte or more lie among them, the same files soon make the same bytes again after
    one that is new, and a store that keeps equal bytes once keeps most of them once.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        self._frame = self._compressor.compressobj()
        self._in_frame = 0

    def write(self, data: bytes) -> int:
        """Appends all of `data`, compressed; the length of `data`."""
        begin = 0
        while (cut := data.find(_MEMBER, begin + max(0, _FRAME - self._in_frame))) >= 0:
            self._append(data[begin:cut])
            super().write(self._frame.flush())
            self._frame, self._in_frame = self._compressor.compressobj(), 0
            begin = cut
        self._append(data[begin:])
        return len(data)

    def finish(self) -> SetFile:
        """Ends the last frame and waits until everything is on the disk."""
        super().write(self._frame.flush())
        return super().finish()

    def _append(self, data: bytes) -> None:
        super().write(self._frame.compress(data))
        self._in_frame += len(data)


def plain(compressed: IO[bytes]) -> zstandard.ZstdDecompressionReader:
    """The contents of a compressed archive."""
    return zstandard.ZstdDecompressor().stream_reader(compressed, read_across_frames=True)


def write_file(path: Path, content: str) -> SetFile:
    """A small file of a set, on the disk when this returns."""
    with NewFile(path) as file:
        file.write(content.encode())
        return file.finish()


def make_directory(path: Path) -> None:
    """A directory that is its owner's alone; one that is there already is made so.

    Those above it that are missing are made the same way; those that are there stay as they are.
    """
    if not path.parent.exists():
        make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)


def sync_directory(path: Path) -> None:
    """Waits until the names in a directory are on the disk."""
    _sync(path, os.O_DIRECTORY)


def sync_file(path: Path) -> None:
    """Waits until a file that was written is on the disk."""
    _sync(path, os.O_NOFOLLOW)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_directory(path: Path) -> None:
    """Removes a directory with all that is in it; one that is not there is no error."""
    if path.exists():
        shutil.rmtree(path)
