"""Scratch directories in a service's container: where one fits, and none left behind.

A tool that works on a directory needs one where it runs. It lies where the container keeps what is
temporary: TMPDIR, /var/tmp or /tmp; on a volume of its own there rather than in the container's
layer. Never in memory, which may be the server's own, and never beside the server's data, which a
full disk would stop.

A directory bears its owner's mark in its name, and in a file by which it can be told whether the
owner still lives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.backups.processes import failure
from bot.targets.marked import MARK
from bot.targets.model import Target

_LIMIT = timedelta(seconds=60)
_RESERVE = 1 << 30
_RESERVE_SHARE = 0.05
_MEMORY = frozenset({"tmpfs", "shm", "ramfs"})
_NO_NAME = re.compile(r"[^A-Za-z0-9.-]+")

_PLACES = """
for place in "${TMPDIR:-/tmp}" /var/tmp /tmp; do
    [ -d "$place" ] && [ -w "$place" ] && cd "$place" 2>/dev/null || continue
    pwd -P
    df -P -k . | tail -n 1
done
"""

# Argument: MARK.
_REMOVE_ABANDONED = """
for place in "${TMPDIR:-/tmp}" /var/tmp /tmp; do
    for scratch in "$place"/opsbell_*; do
        [ -d "$scratch" ] || continue
        mark=
        IFS= read -r mark 2>/dev/null <"$scratch/mark"
        [ "$mark" ] && grep -qsF "$1=$mark" /proc/[0-9]*/environ && continue
        rm -rf "$scratch" || exit 1
    done
done
"""


@dataclass(frozen=True)
class Place:
    """A directory for what is temporary; `size` and `free` are its file system's, in bytes."""

    path: str
    filesystem: str
    size: int
    free: int
    mounted: str

    @property
    def reserve(self) -> int:
        """The bytes that must stay free there, whatever is written."""
        return max(_RESERVE, int(self.size * _RESERVE_SHARE))


def parse_places(said: str) -> list[Place]:
    """Places, each as two lines: its path, and `df -P -k` of it. Raises ValueError."""
    lines = said.splitlines()
    found = []
    for path, line in zip(lines[::2], lines[1::2], strict=True):
        filesystem, blocks, _, free, _, mounted = line.split(None, 5)
        found.append(Place(path, filesystem, int(blocks) * 1024, int(free) * 1024, mounted))
    return found


def choose(places: Sequence[Place], needed: int) -> Place | None:
    """The place for so many bytes: one mounted for itself before one in the container's layer;
    None where none has the room."""
    fit = [
        place
        for place in places
        if place.filesystem not in _MEMORY and place.free - place.reserve >= needed
    ]
    return min(fit, key=lambda place: place.mounted == "/", default=None)


async def find_places(target: Target, service: str) -> list[Place]:
    """Where a service's container keeps what is temporary. None where it does not say so.

    Raises Unavailable, and NotFound where the service does not run.
    """
    done = await target.run(["sh", "-c", _PLACES], timeout=_LIMIT, service=service)
    try:
        return parse_places(done.stdout)
    except ValueError:
        return []


def scratch_name(mark: str) -> str:
    """The name of the scratch directory of whoever bears a mark, which begins with `opsbell `."""
    return _NO_NAME.sub("_", mark)


async def remove_abandoned(target: Target, service: str) -> None:
    """Removes the scratch directories of which no owner runs any more; who lives may be another
    Opsbell. Raises Failed where one cannot be removed."""
    argv = ["sh", "-c", _REMOVE_ABANDONED, "sh", MARK]
    done = await target.run(argv, timeout=_LIMIT, service=service)
    if done.status:
        raise failure(target, "Removing scratch files", done.status, done.stderr)
