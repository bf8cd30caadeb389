"""Files of this machine: what was unpacked is exchanged with the live ones, and back. Blocking.

What is exchanged are the entries of a directory, not the directory: it may be mounted, and where
it is mounted elsewhere too, as into a container, that mount would keep showing the old one. Each
entry is exchanged with its counterpart in one step of the kernel's, so that at no moment it is
missing. A journal says by their inodes which entry is the new one and which the old: whoever comes
after a crash can go on or go back from any point of it.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.backups import disk
from bot.errors import Failed
from bot.restores.stages import STAGE, Stage

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NOT_OFFERED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


def journal_of(stage: Stage, operation: int) -> Path:
    """The journal of one exchange."""
    return stage.directory / f".journal-{stage.aside.name}-{operation}.json"


def has_journal(directory: Path) -> bool:
    """Whether files in a stage's directory may have been exchanged with live ones."""
    return any(directory.glob(".journal-*"))


def begin(stages: Sequence[Stage], operation: int) -> None:
    """Writes down what is to be exchanged, unless that was done."""
    for stage in stages:
        path = journal_of(stage, operation)
        if path.exists():
            continue
        entries = [
            {"live": str(live), "aside": str(aside), "old": _inode(live), "new": _inode(aside)}
            for live, aside in _pairs(stage)
        ]
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        disk.write_file(unfinished, json.dumps(entries))
        unfinished.rename(path)
        disk.sync_directory(stage.directory)


def exchange(stages: Sequence[Stage], operation: int, *, back: bool = False) -> None:
    """Puts each entry of the journals in place: the new one, or, going `back`, the old one, after
    which there are no journals any more.

    Idempotent, from any point of an earlier attempt. Where there is no journal nothing was begun.
    Raises Failed where an entry is not what it should be afterwards.
    """
    wanted = "old" if back else "new"
    for stage in stages:
        for entry in _journal(stage, operation):
            live, aside = Path(entry["live"]), Path(entry["aside"])
            _finish_swap(live, aside)
            if _inode(live) != entry[wanted]:
                _exchange(live, aside)
            if _inode(live) != entry[wanted]:
                raise Failed(f"{live} was changed by somebody else meanwhile.")
        for directory in {stage.live.parent, stage.live, stage.aside, stage.directory}:
            if directory.is_dir():
                disk.sync_directory(directory)
    if back:
        for stage in stages:
            journal_of(stage, operation).unlink(missing_ok=True)


def exchanged(stages: Sequence[Stage], operation: int) -> bool:
    """Whether every entry of the journals is the new one."""
    return all(
        journal_of(stage, operation).exists()
        and all(_inode(Path(entry["live"])) == entry["new"] for entry in _journal(stage, operation))
        for stage in stages
    )


def was_begun(stages: Sequence[Stage], operation: int) -> bool:
    """Whether anything may have been exchanged."""
    return any(journal_of(stage, operation).exists() for stage in stages)


def _pairs(stage: Stage) -> Iterator[tuple[Path, Path]]:
    """What is exchanged with what: the entries of directories, or one file with another."""
    if not (stage.live.is_dir() and stage.aside.is_dir()):
        yield stage.live, stage.aside
        return
    names = {each.name for place in (stage.live, stage.aside) for each in place.iterdir()}
    for name in sorted(names):
        if not name.startswith(STAGE):
            yield stage.live / name, stage.aside / name


def _exchange(live: Path, aside: Path) -> None:
    there, here = os.path.lexists(live), os.path.lexists(aside)
    if there and here:
        _swap(live, aside)
    elif there:
        live.rename(aside)
    elif here:
        aside.rename(live)


def _swap(one: Path, other: Path) -> None:
    """renameat2(2) with RENAME_EXCHANGE; in three steps where a file system does not have it."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
    )
    if done == 0:
        return
    number = ctypes.get_errno()
    if number not in _NOT_OFFERED:
        raise OSError(number, os.strerror(number), str(one))
    one.rename(_between(other))
    other.rename(one)
    _between(other).rename(other)


def _between(aside: Path) -> Path:
    return aside.with_name(f"{STAGE}between-{aside.name}")


def _finish_swap(live: Path, aside: Path) -> None:
    """Goes on with an exchange in three steps that was cut off."""
    if os.path.lexists(_between(aside)):
        _between(aside).rename(aside if os.path.lexists(live) else live)


def _journal(stage: Stage, operation: int) -> list[dict[str, str]]:
    path = journal_of(stage, operation)
    entries: list[dict[str, str]] = json.loads(path.read_text()) if path.exists() else []
    return entries


def _inode(path: Path) -> str | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return f"{found.st_dev}:{found.st_ino}"
