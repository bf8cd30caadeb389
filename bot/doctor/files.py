"""Files of a target on this machine: there, and readable to their last one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.os_user import me
from bot.words import count, size

LOOK_LIMIT = 4.0
"""Seconds after which a tree is large enough to be left half seen."""


@dataclass(frozen=True)
class Tree:
    """What lies at a path: how many files and bytes, the first thing that may not be read, and
    whether all of it was seen."""

    files: int
    bytes: int
    unreadable: Path | None
    whole: bool

    def sentence(self) -> str:
        """`23 files, 1.2 MB`."""
        more = "" if self.whole else "more than "
        return f"{more}{count(self.files, 'file')}, {size(self.bytes)}"


def look_below(path: Path) -> Tree:
    """Blocking. Stops at the first unreadable thing, and after LOOK_LIMIT. Raises FileNotFoundError
    where nothing is at the path."""
    ends = time.monotonic() + LOOK_LIMIT
    files = total = 0
    for each in _each(path):
        if not os.access(each, os.R_OK | (os.X_OK if each.is_dir() else 0)):
            return Tree(files, total, each, whole=False)
        if not each.is_dir():
            files, total = files + 1, total + each.stat().st_size
        if time.monotonic() > ends:
            return Tree(files, total, None, whole=False)
    return Tree(files, total, None, whole=True)


def _each(path: Path) -> Iterator[Path]:
    """The path itself and all below it; links below it are not read, so they are left out, as is
    what is neither a file nor a directory."""
    path.stat()
    yield path
    for directory, directories, names in os.walk(path):
        for name in (*directories, *names):
            each = Path(directory) / name
            if not each.is_symlink() and (each.is_file() or each.is_dir()):
                yield each


def unwritable(directory: Path) -> str:
    """Why files cannot be made in a directory: a sentence, "" where they can."""
    if not directory.exists():
        return f"The directory {directory} does not exist."
    if not directory.is_dir():
        return f"{directory} is a file, not a directory."
    if read_only(directory):
        return f"{directory} is on a file system that is mounted read-only."
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"{me()} may not write into {directory}."
    return ""


def read_only(directory: Path) -> bool:
    """Whether a directory's file system takes no writing at all, from nobody."""
    return bool(os.statvfs(directory).f_flag & os.ST_RDONLY)
