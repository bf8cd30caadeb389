"""Files of this machine: unpacked beside the live ones, exchanged with them, and back. Blocking.

What is exchanged are the entries of a directory, not the directory: it may be mounted, and where
it is mounted elsewhere too, as into a container, that mount would keep showing the old one. Each
entry is exchanged with its counterpart in one step of the kernel's, so that at no moment it is
missing. A journal says by their inodes which entry is the new one and which the old: whoever comes
after a crash can go on or go back from any point of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import zstandard

from bot.backups import disk
from bot.backups.sources import Part
from bot.backups.tar import OURS
from bot.errors import Failed

STAGE = OURS
"""Begins the names of directories in which restored or replaced files lie."""

_READ_SIZE = 1 << 20
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NOT_OFFERED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


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


def unpacked_size(archive: Path) -> int:
    """The bytes of all files in an archive."""
    total = 0
    with _opened(archive) as tar:
        while (member := tar.next()) is not None:
            total += member.size
            vars(tar)["members"].clear()
    return total


def unpack(archive: Path, stages: Sequence[Stage], tell: Callable[[int], None]) -> int:
    """Unpacks an archive into new stages; how many files. `tell` hears the bytes so far, and may
    raise to end it. Owners are kept where this process may give files away.

    Raises Failed for what does not belong there, OSError for what the disk refuses.
    """
    for directory in {stage.directory for stage in stages}:
        directory.mkdir(mode=0o700)
    written = count = 0
    directories: list[tuple[tarfile.TarInfo, Path]] = []
    with _opened(archive) as tar:
        while (member := tar.next()) is not None:
            vars(tar)["members"].clear()
            stage, inner = _place(member.name, stages)
            renamed = member.replace(name=str(stage.aside.name / inner), deep=False)
            path = stage.directory / renamed.name
            if member.isdir():
                _checked(renamed, stage.directory)
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
                directories.append((renamed, path))
            else:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                tar.extract(renamed, stage.directory, numeric_owner=True, filter=_checked_member)
            written, count = written + member.size, count + 1
            tell(written)
        # Last, since what is written into a directory changes its time, and may not be allowed.
        for made, path in reversed(directories):
            tar.chown(made, path, numeric_owner=True)
            path.chmod(made.mode)
            tar.utime(made, path)
    os.sync()
    return count


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


def remove(stages: Sequence[Stage]) -> None:
    """Removes the stages with all that is in them; those that are not there are no error. What was
    exchanged must have been exchanged back before, unless what lies there is to go."""
    for directory in {stage.directory for stage in stages}:
        if not directory.name.startswith(STAGE):
            raise ValueError(f"{directory} is no stage")
        disk.remove_directory(directory)


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


def _place(name: str, stages: Sequence[Stage]) -> tuple[Stage, PurePosixPath]:
    """The stage that a member of the archive belongs to, and its path in it."""
    path = PurePosixPath(name)
    for stage in stages:
        if path.is_relative_to(stage.name):
            return stage, path.relative_to(stage.name)
    raise Failed(f"The archive holds {name}, which the configuration does not name.")


def _checked_member(member: tarfile.TarInfo, directory: str) -> tarfile.TarInfo:
    return _checked(member, Path(directory))


def _checked(member: tarfile.TarInfo, directory: Path) -> tarfile.TarInfo:
    """The member as it is. Raises Failed where it would be written outside its directory, or is
    neither file, directory nor symbolic link."""
    try:
        tarfile.tar_filter(member, str(directory))
    except tarfile.FilterError as error:
        raise Failed(f"The archive holds a path that leads out of it: {error}.") from None
    if not (member.isfile() or member.isdir() or member.issym()):
        raise Failed(f"The archive holds {member.name}, which is no file, directory or link.")
    return member


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """Raises Failed, inside the block too, where the archive cannot be read."""
    try:
        with (
            archive.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file) as plain,
            tarfile.open(
                fileobj=plain, mode="r|", bufsize=_READ_SIZE, errors="surrogateescape"
            ) as tar,
        ):
            yield tar
    except (tarfile.TarError, zstandard.ZstdError) as error:
        raise Failed(f"{archive.name} cannot be unpacked: {error}.") from error


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
