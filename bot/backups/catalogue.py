"""The sets of one target in a plain directory. Blocking: called in threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bot.backups import disk
from bot.backups.model import MANIFEST, BackupSet, Manifest, name_order

HIDDEN = ".partial-"
"""Begins the name of what is not, or no longer, a set."""


@dataclass(frozen=True)
class Catalogue:
    """The sets in `directory`, which is STORE/TARGET. A set is a directory with a manifest."""

    directory: Path

    def partial(self, name: str) -> Path:
        """Where the set of that name is while it is written."""
        return self.directory / f"{HIDDEN}{name}"

    def final(self, name: str) -> Path:
        """Where the set of that name is once it is whole."""
        return self.directory / name

    def sets(self) -> list[BackupSet]:
        """All sets, newest first. One whose manifest is bad, or whose files are not what the
        manifest says, is listed with its trouble; OSError where the directory can't be read."""
        if not self.directory.exists():
            return []
        named = [(order, p) for p in self.directory.iterdir() if (order := name_order(p.name))]
        return [_read(path) for _, path in sorted(named, reverse=True) if _is_set(path)]

    def clear(self) -> int:
        """Removes what dead backups and interrupted removals left; how many there were.

        Only for who holds the target: what lives looks the same.
        """
        leftovers = list(self.directory.glob(f"{HIDDEN}*"))
        for path in leftovers:
            disk.remove_directory(path)
        return len(leftovers)

    def publish(self, partial: Path, name: str) -> None:
        """Turns a whole partial set into the set `name`, in one step that outlives a power cut."""
        disk.sync_directory(partial)
        partial.rename(self.final(name))
        disk.sync_directory(self.directory)

    def remove(self, name: str) -> None:
        """Removes a set; from its first moment on it is no longer listed."""
        hidden = self.partial(name)
        self.final(name).rename(hidden)
        disk.sync_directory(self.directory)
        disk.remove_directory(hidden)


def _is_set(path: Path) -> bool:
    return os.path.lexists(path / MANIFEST)


def _read(path: Path) -> BackupSet:
    try:
        manifest = read_manifest((path / MANIFEST).read_bytes())
    except ValueError as error:
        return BackupSet(path.name, path, None, str(error))
    except OSError as error:
        return BackupSet(path.name, path, None, f"{MANIFEST} is not readable: {error.strerror}")

    def size_of(name: str) -> int:
        return (path / name).stat().st_size

    return BackupSet(path.name, path, manifest, trouble_of(path.name, manifest, size_of))


def read_manifest(content: bytes) -> Manifest:
    """A manifest from its file. Raises ValueError with the reason where it is none."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or MANIFEST
        raise ValueError(f"{MANIFEST} is not readable: {place}: {first['msg']}") from None


def trouble_of(name: str, manifest: Manifest, size_of: Callable[[str], int]) -> str:
    """What a look at names and sizes tells of a set; only its checksums tell all. `size_of` a
    file in the set raises OSError where it is not there."""
    if manifest.id != name:
        return f"{MANIFEST} is that of {manifest.id}"
    for file in manifest.files:
        try:
            size = size_of(file.path)
        except OSError as error:
            return f"{file.path} is not readable: {error.strerror}"
        if size != file.size:
            return f"{file.path} has {size} bytes instead of {file.size}"
    return ""
