"""The demo's directory: where each thing lies in it, and that only one demo uses it at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import Refused


@dataclass(frozen=True)
class Place:
    """Everything that the demo keeps lies below `directory`, which is absolute."""

    directory: Path

    @property
    def config(self) -> Path:
        """The configuration that `opsbell run` is started with."""
        return self.directory / "opsbell.yaml"

    @property
    def opsbell(self) -> Path:
        """Opsbell's own data: its database and the key of its audit."""
        return self.directory / "opsbell"

    @property
    def workspace(self) -> Path:
        """What the local Slack remembers."""
        return self.directory / "workspace"

    @property
    def backups(self) -> Path:
        """The store of the backups."""
        return self.directory / "backups"

    @property
    def database(self) -> Path:
        """The data of GrandVPS's own PostgreSQL."""
        return self.directory / "grandvps-database"

    @property
    def origin(self) -> Path:
        """GrandVPS's git repository, which its releases come from."""
        return self.directory / "grandvps.git"

    @property
    def site(self) -> Path:
        """The directory that GrandVPS runs in: the target's directory."""
        return self.directory / "grandvps"

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self.directory / f"{name}.log"


def write_private(file: Path, text: str) -> None:
    """Writes a file that is nobody else's to read, at no time."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(file)


@contextlib.contextmanager
def held(directory: Path) -> Iterator[Place]:
    """The directory, made where it does not exist, for this process alone.

    Raises Refused where another demo runs in it. The kernel lets go of it however this one ends.
    """
    place = Place(directory.resolve())
    place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(place.directory / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"Another demo is running in {directory}.",
                hint="Use its window, stop it, or give this one another --directory.",
            ) from None
        yield place
    finally:
        os.close(lock)
