"""Where on this machine restored or replaced files lie: beside the live ones. Blocking."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.backups import disk
from bot.backups.sources import Part
from bot.backups.tar import OURS
from bot.errors import Failed

STAGE = OURS
"""Begins the names of directories in which restored or replaced files lie."""


@dataclass(frozen=True)
class Stage:
    """One source of a part: `live` is where it belongs, `name` what the archive calls it, and
    `aside` is its counterpart in `directory`, on the same file system."""

    live: Path
    name: str
    directory: Path

    @property
    def aside(self) -> Path:
        """What is to be exchanged with `live`."""
        return self.directory / (self.live.name or "files")

    def as_json(self) -> dict[str, str]:
        """For the step's result."""
        return {"live": str(self.live), "name": self.name, "directory": str(self.directory)}

    @classmethod
    def from_json(cls, value: dict[str, str]) -> Stage:
        """The reverse of `as_json`."""
        return cls(Path(value["live"]), value["name"], Path(value["directory"]))


def stages_of(part: Part, stamp: str) -> list[Stage]:
    """Where the sources of a part are unpacked. Raises Failed where no place beside one is on its
    own file system, OSError where it cannot be looked at."""
    mounts = _mount_points()
    found = []
    for source in part.sources:
        # Where the configured path is a link, what it leads to is replaced, as it was backed up.
        live = source.path.resolve()
        name = f"{STAGE}{part.name}-{stamp}"
        if not _movable(live, mounts):
            raise Failed(
                f"{live} is mounted as a single file, so that it cannot be replaced.",
                hint="Mount the directory that it lies in instead.",
            )
        inside = live.is_dir() and (live in mounts or not os.access(live.parent, os.W_OK))
        found.append(Stage(live, source.name, (live if inside else live.parent) / name))
    return found


def check_writable(stages: Sequence[Stage], needed: int) -> None:
    """Raises Failed where files cannot be made beside the live ones, or have no room there."""
    for stage in stages:
        place = stage.directory.parent
        if not os.access(place, os.W_OK | os.X_OK):
            raise Failed(
                f"Opsbell may not write to {place}.",
                hint="Run it as a user who may, or name the files as those of a service.",
            )
        if stage.live.is_dir() and not os.access(stage.live, os.W_OK | os.X_OK):
            raise Failed(f"Opsbell may not replace what is in {stage.live}.")
        free = shutil.disk_usage(place).free
        if free < needed:
            raise Failed(f"Not enough space beside {stage.live}: {free} bytes of {needed} free.")


def remove(stages: Sequence[Stage]) -> None:
    """Removes the stages with all that is in them; those that are not there are no error. What was
    exchanged must have been exchanged back before, unless what lies there is to go."""
    for directory in {stage.directory for stage in stages}:
        if not directory.name.startswith(STAGE):
            raise ValueError(f"{directory} is no stage")
        disk.remove_directory(directory)


def _movable(live: Path, mounts: frozenset[Path]) -> bool:
    return live.is_dir() or live not in mounts


def _mount_points() -> frozenset[Path]:
    """The mount points that this process sees (proc(5): the fifth field, in octal escapes)."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return frozenset()
    return frozenset(
        Path(os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin-1")))
        for line in lines
    )
