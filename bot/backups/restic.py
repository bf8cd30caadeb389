"""The program restic on one repository: how it is called, and what it says in one line.

The repository's address may hold a password, so it goes into restic's environment like the password
itself, where other users of the machine cannot read it, and never into arguments or messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import unquote

from bot import words
from bot.backups import disk
from bot.backups.threads import in_thread
from bot.config.backups import Restic as Settings
from bot.errors import Failed, NotFound, OpsbellError, Unavailable
from bot.targets.environment import for_children
from bot.targets.host_process import host_process
from bot.targets.marked import MARK

logger = logging.getLogger(__name__)

ANSWER_LIMIT = timedelta(seconds=90)
"""For what only looks; restic itself goes on trying for a quarter of an hour."""

LOCK_WAIT = timedelta(minutes=5)
INCOMPLETE = 3
"""The exit status of a backup that could not read everything, and kept the rest."""

_LOCK_POLL = 3.0
_MISSING, _LOCKED, _WRONG_PASSWORD = 10, 11, 12  # exit statuses since restic 0.17
_NO_PASSWORD = re.compile(r"wrong password|no key found", re.IGNORECASE)
_NO_PASSWORD_FILE = re.compile(
    r"Resolving password failed|empty password is not a password", re.IGNORECASE
)
_LOCK = re.compile(r"already locked|unable to create lock|failed to lock", re.IGNORECASE)
_OWNER = re.compile(r"locked (?:exclusively )?by PID (\d+) on (\S+)")
_ABSENT = re.compile(
    r"no such file or directory|does not exist|NoSuchKey|NoSuchBucket|\b404\b|not found",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(\b[a-z0-9+]+:)?//[^/\s\"'@]*@")
_NOISE = re.compile(r"^(Is there a repository|Please note|Load\(|Save\(|List\()|^/|^[a-z0-9]+:\S+$")

Lines = Callable[[str], Awaitable[None]]


class Absent(NotFound):
    """There is no repository at the configured address."""


class _Locked(Exception):
    """Someone else holds the repository; the message is restic's."""


class IncompleteBackup(Failed):
    """restic could not read all files of a set; `output` is what it printed."""


@dataclass(frozen=True)
class Restic:
    """Runs restic. `name` is the target whose store it is, `cache` the directory for its cache;
    `mark` is what its processes are found by."""

    name: str
    settings: Settings
    cache: Path
    mark: str = ""

    async def look(self, *argv: str) -> bytes:
        """Has restic print something, whoever holds the repository meanwhile. Raises like `run`."""
        return await self._bounded("--no-lock", *argv)

    async def run(
        self, *argv: str, directory: Path = Path("/"), lines: Lines | None = None
    ) -> bytes:
        """Has restic do something, as soon as nobody else keeps it from that; what it printed.

        Locks whose owners are known to be dead are removed. `lines` hears each line as it comes.
        Raises Absent, Failed and Unavailable, each with one line that says why.
        """
        began, unlocked = monotonic(), False
        while True:
            try:
                return await self._call(argv, directory, lines)
            except _Locked as error:
                if not unlocked:
                    # Only what a dead process of this machine left, or is older than 30 minutes.
                    await self._bounded("unlock")
                    unlocked = True
                elif monotonic() - began > LOCK_WAIT.total_seconds():
                    raise self._told_locked(str(error)) from None
                else:
                    await asyncio.sleep(_LOCK_POLL)

    async def _bounded(self, *argv: str) -> bytes:
        try:
            async with asyncio.timeout(ANSWER_LIMIT.total_seconds()):
                return await self._call(argv)
        except TimeoutError:
            limit = words.duration(ANSWER_LIMIT)
            raise Unavailable(f"The restic repository did not answer within {limit}.") from None
        except _Locked as error:
            raise self._told_locked(str(error)) from None

    async def _call(
        self, argv: Sequence[str], directory: Path = Path("/"), lines: Lines | None = None
    ) -> bytes:
        await in_thread(disk.make_directory, self.cache)
        printed, rest = bytearray(), b""
        async with host_process(
            ("restic", *argv), environment=self._environment(), directory=directory
        ) as process:
            async for chunk in process.chunks():
                if lines is None:
                    printed += chunk
                    continue
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    await lines(line.decode(errors="replace"))
            status = await process.wait()
            said = process.error_tail
        if status:
            raise self._failure(argv, status, said)
        return bytes(printed)

    def _environment(self) -> dict[str, str]:
        given = {name: value.reveal() for name, value in self.settings.environment.items()}
        own = {
            "RESTIC_REPOSITORY": self.settings.repository.reveal(),
            "RESTIC_CACHE_DIR": str(self.cache),
            "RESTIC_PROGRESS_FPS": "2",
            "TZ": "UTC",
        }
        if self.settings.password is not None:
            own["RESTIC_PASSWORD"] = self.settings.password.reveal()
        else:
            own["RESTIC_PASSWORD_FILE"] = str(self.settings.password_file)
        marked = {MARK: self.mark} if self.mark else {}
        return for_children(os.environ) | given | own | marked

    def _failure(self, argv: Sequence[str], status: int, said: str) -> Exception:
        """What an exit status means, by restic's words where they are older than its statuses."""
        lines = [line for each in said.splitlines() if (line := self._cleaned(each))]
        why = next((line for line in lines if line.startswith("Fatal: ")), "")
        why = (why or next((one for one in reversed(lines) if not _NOISE.search(one)), "")).strip()
        why = why.removeprefix("Fatal: ").rstrip(".")
        if status == _LOCKED or _LOCK.search(said):
            return _Locked(" ".join(lines))
        key = f"backups.{self.name}.store.restic"
        if _NO_PASSWORD_FILE.search(said):
            file = self.settings.password_file
            where = f"not in {file}" if file else "empty"
            return NotFound(
                f"The password of the restic repository is {where}.",
                hint=f"Correct {key}.{'password_file' if file else 'password'}.",
            )
        if status == _WRONG_PASSWORD or _NO_PASSWORD.search(said):
            return Failed(
                "The password does not open the restic repository.",
                hint=f"Correct {key}.password or password_file.",
            )
        if status == _MISSING or ("config file" in why and _ABSENT.search(why)):
            return Absent(
                "There is no restic repository at the configured address.",
                hint=f"The first backup makes it; or correct {key}.repository.",
            )
        verb = next((word for word in argv if not word.startswith("-")), "")
        output = "\n".join(lines[-10:])
        if status == INCOMPLETE and verb == "backup":
            return IncompleteBackup(f"restic could not read the whole set: {why}.", output=output)
        told = why or f"exit status {status}"
        if "config file" in why or "unable to open repository" in why:
            return Unavailable(f"The restic repository cannot be reached: {told}.")
        return Failed(f"restic {verb} failed: {told}.", output=output)

    def _cleaned(self, line: str) -> str:
        """A line of restic's, which may be JSON, without the repository's address and passwords."""
        with contextlib.suppress(ValueError, AttributeError):
            told = json.loads(line)
            line = str(told.get("message") or told.get("error", {}).get("message", ""))
        repository = self.settings.repository.reveal()
        secrets = [repository, repository.partition(":")[2]]
        secrets += [value.reveal() for value in self.settings.environment.values()]
        if self.settings.password is not None:
            secrets.append(self.settings.password.reveal())
        if found := _USER_INFO.search(repository):
            sign_in = found[0].partition("//")[2].removesuffix("@").partition(":")[2]
            secrets += [sign_in, unquote(sign_in)]
        for secret in sorted(filter(lambda text: len(text) > 3, secrets), key=len, reverse=True):
            line = line.replace(secret, "***")
        return _USER_INFO.sub(r"\1//***@", line).strip()

    def _told_locked(self, said: str) -> OpsbellError:
        owner = _OWNER.search(said)
        by = f" by process {owner[1]} on {owner[2].rstrip(':')}" if owner else ""
        return Failed(
            f"The restic repository is locked{by}.",
            hint="Try again once that has ended. A lock left behind is removed 30 minutes after"
            " its owner was last seen.",
        )
