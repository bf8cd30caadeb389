"""Archives of sets are unpacked beside the live files. Blocking."""

from __future__ import annotations

import contextlib
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import zstandard

from bot.backups import disk
from bot.errors import Failed
from bot.restores.stages import Stage

_READ_SIZE = 1 << 20


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
            disk.plain(file) as plain,
            tarfile.open(
                fileobj=plain, mode="r|", bufsize=_READ_SIZE, errors="surrogateescape"
            ) as tar,
        ):
            yield tar
    except (tarfile.TarError, zstandard.ZstdError) as error:
        raise Failed(f"{archive.name} cannot be unpacked: {error}.") from error
