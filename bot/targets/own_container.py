"""The container that Opsbell itself runs in, as the kernel shows it: its ID and its mounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")
# Docker mounts three files of each container's own directory into it, whatever else is set.
_OWN = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf)$")
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mounted:
    """A place where something is mounted; `kind` is the file system's (ext4, overlay, …)."""

    place: Path
    kind: str


def own_container() -> str | None:
    """The ID of the Docker container that this process runs in, None outside one."""
    for fields in _entries():
        if found := _OWN.search(fields[3]):
            return found[1]
    return None


def mounted_at(path: Path) -> Mounted:
    """The mount that holds a path, which need not exist; links in it are followed."""
    real = path.resolve()
    best = Mounted(Path("/"), "")
    for fields in _entries():
        place = Path(_plain(fields[4]))
        # Of mounts at one place the last one hides those before it.
        if real.is_relative_to(place) and len(place.parts) >= len(best.place.parts):
            best = Mounted(place, fields[fields.index("-") + 1])
    return best


def _entries() -> list[list[str]]:
    """The fields of each line (proc_pid_mountinfo(5)): root is the fourth, the place the fifth."""
    try:
        return [line.split(" ") for line in _MOUNTINFO.read_text().splitlines()]
    except OSError:
        return []


def _plain(text: str) -> str:
    """Blanks and the like stand there as octal escapes."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
