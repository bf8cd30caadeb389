"""The sets of one target on disk. Blocking: called in threads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from bot.backups import disk
from bot.backups.model import MANIFEST, BackupSet, Manifest, name_order, set_names
from bot.errors import NotFound

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

    def free_name(self, started: datetime) -> str:
        """The name for a set begun at a moment. It sorts after all that began in the same second,
        though some of those may be removed already: else the new one would count as old."""
        there = [order for path in self.directory.iterdir() if (order := name_order(path.name))]

        def sorts_last(name: str) -> bool:
            order = name_order(name)
            return order is not None and all(order > one for one in there if one[0] == order[0])

        return next(filter(sorts_last, set_names(started)))

    def sets(self) -> list[BackupSet]:
        """All sets, newest first. One whose manifest is bad, or whose files are not what the
        manifest says, is listed with its trouble; OSError where the directory can't be read."""
        if not self.directory.exists():
            return []
        named = [(order, p) for p in self.directory.iterdir() if (order := name_order(p.name))]
        return [_read(path) for _, path in sorted(named, reverse=True) if _is_set(path)]

    def good(self) -> list[Manifest]:
        """The manifests of the sets that can be trusted, newest first."""
        return [manifest for one in self.sets() if (manifest := one.good)]

    def newest(self, parts: Iterable[str]) -> Manifest | None:
        """The newest good set that holds all of `parts`."""
        wanted = frozenset(parts)
        return next((one for one in self.good() if one.parts >= wanted), None)

    def find(self, wanted: str) -> BackupSet:
        """The set with that ID, with an ID that begins so, or the `latest`.

        Raises NotFound where there is none, or where several begin so.
        """
        sets = self.sets()
        if wanted == "latest":
            matches = sets[:1]
        else:
            text = wanted.upper()
            matches = [one for one in sets if one.id == text] or [
                one for one in sets if one.id.startswith(text)
            ]
        if not matches:
            newest = f"The newest is {sets[0].id}." if sets else "There is none yet."
            raise NotFound(f'There is no backup "{wanted[:40]}".', hint=newest)
        if len(matches) > 1:
            several = ", ".join(one.id for one in matches[:3])
            raise NotFound(
                f'{len(matches)} backups begin with "{wanted[:40]}".',
                hint=f"Type more of the ID: {several}{', …' if len(matches) > 3 else '.'}",
            )
        return matches[0]

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
        manifest = Manifest.model_validate_json((path / MANIFEST).read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or MANIFEST
        return BackupSet(
            path.name, path, None, f"{MANIFEST} is not readable: {place}: {first['msg']}"
        )
    except OSError as error:
        return BackupSet(path.name, path, None, f"{MANIFEST} is not readable: {error.strerror}")
    return BackupSet(path.name, path, manifest, _trouble(path, manifest))


def _trouble(path: Path, manifest: Manifest) -> str:
    """What a look at names and sizes tells; only sha256sum tells all."""
    if manifest.id != path.name:
        return f"{MANIFEST} is that of {manifest.id}"
    for file in manifest.files:
        try:
            size = (path / file.path).stat().st_size
        except OSError as error:
            return f"{file.path} is not readable: {error.strerror}"
        if size != file.size:
            return f"{file.path} has {size} bytes instead of {file.size}"
    return ""
