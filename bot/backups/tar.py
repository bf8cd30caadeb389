"""Files of this machine as a tar stream, while others go on changing them. Blocking.

The headers are the standard library's; the stream is put together here because `TarFile`
remembers every member it has written, which for a million files is a gigabyte.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

READ_SIZE = 1 << 20
NOTES_KEPT = 50

OURS = ".opsbell-"
"""Begins the names of what restores put beside live files, which may be in a directory that is
backed up: it is no part of it."""


@dataclass(frozen=True)
class Source:
    """Something to archive: `name` below `base`, a relative path that the archive keeps."""

    base: Path
    name: str

    @property
    def path(self) -> Path:
        """Where it lies on this machine."""
        return self.base / self.name


@dataclass
class Notes:
    """What a person should know of files that did not hold still: the first ones, and how many."""

    kept: list[str] = field(default_factory=list)
    total: int = 0

    def add(self, note: str) -> None:
        """Counts a note, and keeps it while there is room."""
        self.total += 1
        if self.total <= NOTES_KEPT:
            # A file's name may hold line ends, and bytes that are no text.
            self.kept.append(note.encode("utf-8", "backslashreplace").decode().replace("\n", "\\n"))


class TarStream:
    """Writes a POSIX (pax) archive to `write`. `entries` counts what it holds so far."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.entries = 0
        self.notes = Notes()

    def add(self, source: Source) -> None:
        """Adds a file or a directory with all below it.

        Symbolic links stay links, but `source` itself is followed: where `media` is a link to
        another disk, what is wanted is what lies there. What vanishes or changes meanwhile, and
        what is neither file, directory nor link, is noted. What is ours is left out. Raises
        OSError for what is there and cannot be read, and where `source` itself is not there.
        """
        self._add_one(source, source.path.stat(), follow=True)
        for name in self._below(source):
            one = Source(source.base, name)
            try:
                self._add_one(one, one.path.lstat())
            except FileNotFoundError:
                self.notes.add(f"{name}: vanished before it was read")

    def end(self) -> None:
        """Writes the two empty blocks that end an archive."""
        self._write(bytes(2 * tarfile.BLOCKSIZE))

    def _below(self, source: Source) -> Iterator[str]:
        """The names below a directory in order, each directory before what is in it."""

        def unless_vanished(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise error
            if error.filename != str(source.path):
                name = os.path.relpath(error.filename, source.base)
                self.notes.add(f"{name}: vanished before it was read")

        for directory, directories, files in os.walk(source.path, onerror=unless_vanished):
            directories[:] = sorted(filter(_theirs, directories))
            here = os.path.relpath(directory, source.base)
            if here != source.name:
                yield here
            links = [name for name in directories if (Path(directory) / name).is_symlink()]
            yield from (f"{here}/{name}" for name in sorted([*filter(_theirs, files), *links]))

    def _add_one(self, source: Source, found: os.stat_result, *, follow: bool = False) -> None:
        info = _header(source.name, found)
        if stat.S_ISREG(found.st_mode):
            self._add_file(source, info, follow=follow)
        elif stat.S_ISLNK(found.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, str(source.path.readlink())
            self._add_header(info)
        elif stat.S_ISDIR(found.st_mode):
            info.type = tarfile.DIRTYPE
            self._add_header(info)
        else:
            self.notes.add(f"{source.name}: not a file, a directory or a link, left out")

    def _add_file(self, source: Source, info: tarfile.TarInfo, *, follow: bool) -> None:
        # What was a file a moment ago may be a pipe or a link to elsewhere by now.
        flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(source.path, flags)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                self.notes.add(f"{source.name}: replaced while it was read, left out")
                return
            info.size, info.mtime = found.st_size, int(found.st_mtime)
            self._add_header(info)
            missing = self._copy(file, info.size)
            after = os.fstat(descriptor)
        if missing:
            self.notes.add(f"{source.name}: shrank while it was read, filled up with zeros")
        elif (after.st_size, after.st_mtime_ns) != (found.st_size, found.st_mtime_ns):
            self.notes.add(f"{source.name}: changed while it was read")

    def _copy(self, file: BinaryIO, size: int) -> int:
        """Writes exactly `size` bytes, as the header promised; how many were not there."""
        left = size
        while left and (data := file.read(min(left, READ_SIZE))):
            self._write(data)
            left -= len(data)
        missing = left
        while left:
            zeros = bytes(min(left, READ_SIZE))
            self._write(zeros)
            left -= len(zeros)
        self._write(bytes(-size % tarfile.BLOCKSIZE))
        return missing

    def _add_header(self, info: tarfile.TarInfo) -> None:
        self._write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        self.entries += 1


def size_below(path: Path) -> int:
    """The bytes of a file, or of all files below a directory that would be archived, as far as
    they can be seen."""
    total = 0 if path.is_dir() else path.stat().st_size
    for directory, directories, files in os.walk(path):
        directories[:] = filter(_theirs, directories)
        for name in filter(_theirs, files):
            try:
                total += (Path(directory) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def _theirs(name: str) -> bool:
    return not name.startswith(OURS)


def _header(name: str, found: os.stat_result) -> tarfile.TarInfo:
    """Numeric owners alone: a name may be another one's elsewhere."""
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(found.st_mode)
    info.uid, info.gid = found.st_uid, found.st_gid
    info.mtime = int(found.st_mtime)
    return info
