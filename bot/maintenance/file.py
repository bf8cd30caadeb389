"""The maintenance file itself: below the target's directory, or in a service's container.

Whether it is there is the truth about maintenance; everything else is a record of it. It appears
whole and is replaced whole: it is written beside its name and renamed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from bot.config import targets as configured
from bot.errors import Failed, Refused
from bot.maintenance.notice import Notice
from bot.targets.model import Target
from bot.targets.text import storable
from bot.targets.waiting import to_the_end

T = TypeVar("T")

_LIMIT = timedelta(seconds=20)
_ABSENT = 9
_MOST = 16 * 1024

# The contents come as an argument: input that breaks off would be taken for the whole of it.
_PUT = 'umask 022 && printf %s "$3" >"$2" && mv -f "$2" "$1"'
_READ = '[ -e "$1" ] || exit 9; cat "$1"'
_REMOVE = '[ -e "$1" ] || exit 9; rm -f "$1" && [ ! -e "$1" ]'


class MaintenanceFile(Protocol):
    """One target's file. Each method raises Failed, NotFound or Unavailable."""

    async def read(self) -> Notice | None:
        """What it says; None where it is not there."""
        ...

    async def put(self, notice: Notice) -> None:
        """Makes it, or replaces it."""
        ...

    async def remove(self) -> bool:
        """Removes it, and makes sure that it is gone; whether it was there."""
        ...


def maintenance_file(target: Target, settings: configured.Target) -> MaintenanceFile:
    """The file that is configured for a target. Raises Refused where none is."""
    where = settings.maintenance
    if where is None:
        raise Refused(
            f"{target.name} has no maintenance file configured.",
            hint=f"Add targets.{target.name}.maintenance to opsbell.yaml.",
        )
    if where.service:
        return FileInService(target, where.service, str(where.file))
    return FileHere(settings.path(where.file))


class FileHere:
    """A file of this machine; see MaintenanceFile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> Notice | None:
        """What it says; None where it is not there."""
        return await _in_thread(self._read)

    async def put(self, notice: Notice) -> None:
        """Makes it, or replaces it."""
        await _in_thread(lambda: self._put(notice.text()))

    async def remove(self) -> bool:
        """Removes it; whether it was there."""
        return await _in_thread(self._remove)

    def _read(self) -> Notice | None:
        try:
            with self._path.open("rb") as file:
                return Notice.read(file.read(_MOST).decode(errors="replace"))
        except FileNotFoundError:
            return None
        except PermissionError as error:
            # Someone else's file that this process may not read is there all the same.
            if self._path.exists():
                return Notice()
            raise self._failure(error) from error
        except OSError as error:
            raise self._failure(error) from error

    def _put(self, text: str) -> None:
        beside = self._path.with_name(f".{self._path.name}.opsbell")
        try:
            with beside.open("w", encoding="utf-8") as file:
                # Whoever serves the application reads it, and seldom is this process's user.
                os.fchmod(file.fileno(), 0o644)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            self._sync_directory()
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise self._failure(error) from error

    def _remove(self) -> bool:
        try:
            self._path.unlink()
            self._sync_directory()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failure(error) from error
        return True

    def _sync_directory(self) -> None:
        number = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)

    def _failure(self, error: OSError) -> Failed:
        return Failed(f"{error.strerror or error}: {storable(str(self._path))}.")


async def _in_thread(work: Callable[[], T]) -> T:
    """Runs `work` in a thread, to its real end also where the caller is cancelled: a file that
    appears after it was looked for would never be removed."""
    return await to_the_end(asyncio.to_thread(work))


class FileInService:
    """A file in the container of a service; see MaintenanceFile."""

    def __init__(self, target: Target, service: str, path: str) -> None:
        self._target = target
        self._service = service
        self._path = path

    async def read(self) -> Notice | None:
        """What it says; None where it is not there."""
        status, text = await self._script(_READ)
        return None if status == _ABSENT else Notice.read(text)

    async def put(self, notice: Notice) -> None:
        """Makes it, or replaces it."""
        folder, _, name = self._path.rpartition("/")
        await self._script(_PUT, f"{folder}/.{name}.opsbell", notice.text())

    async def remove(self) -> bool:
        """Removes it; whether it was there."""
        status, _ = await self._script(_REMOVE)
        return status != _ABSENT

    async def _script(self, script: str, *arguments: str) -> tuple[int, str]:
        argv = ["sh", "-c", script, "sh", self._path, *arguments]
        done = await self._target.run(argv, timeout=_LIMIT, service=self._service)
        if done.status not in (0, _ABSENT):
            said = self._target.redact(done.stderr).strip().splitlines()
            why = f": {said[-1]}" if said else f" (status {done.status})"
            raise Failed(f"The maintenance file in {self._service} cannot be changed{why}.")
        return done.status, done.stdout
