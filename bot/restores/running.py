"""What the steps of one restore share, found anew by each from its operation."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bot.backups.model import DATABASE, set_names
from bot.backups.service import Backups
from bot.config import targets as configured
from bot.config.backups import BackupPolicy
from bot.errors import NotFound
from bot.operations.model import Operation
from bot.restores.loading import Dump, dump_of
from bot.restores.model import UNDO_RUNBOOK, Kept, aside_name, file_name, incoming_name, undone_name
from bot.restores.server import Server
from bot.slack.blocks import day_and_time
from bot.store.database import Database, Transaction
from bot.store.queue import Queue
from bot.targets.model import Target

logger = logging.getLogger(__name__)

Result = Mapping[str, Any]


class Maintenance(Protocol):
    """Puts a target into maintenance for the moment of a swap; see `bot.maintenance`."""

    async def hold(self, target: str, operation: int, reason: str = "") -> str:
        """Makes the maintenance file, unless one is there; what is so then."""
        ...

    async def release(self, target: str, operation: int) -> str:
        """Removes the file if `hold` has made it for this operation; what was done, "" if nothing
        had to be."""
        ...


@dataclass(frozen=True)
class Restore:
    """One restore, or the undo of one, under way."""

    operation: Operation
    target: Target
    settings: configured.Target
    policy: BackupPolicy
    backups: Backups
    maintenance: Maintenance
    database: Database
    queue: Queue
    zone: ZoneInfo
    clock: Callable[[], datetime]
    tell: Callable[[Transaction, Kept, str], Awaitable[None]]
    """Has the step by which something was put aside say what has become of it."""

    def moment(self, at: datetime) -> str:
        """A time for people, as a note holds it."""
        return day_and_time(at, self.zone)

    @property
    def stamp(self) -> str:
        """The operation's start, as names bear it. A resumed operation keeps its first start."""
        if self.operation.started is None:
            raise ValueError(f"operation {self.operation.id} has not begun")
        return next(set_names(self.operation.started))

    @property
    def mark(self) -> str:
        """What the processes and sessions of this restore are found by; no other Opsbell's bear
        it. The server keeps the first 63 bytes of it."""
        return f"opsbell restore {self.operation.tag} {self.target.name}"

    @property
    def server(self) -> Server:
        """The server of the target's database."""
        return Server(self.target, self.mark)

    @property
    def name(self) -> str:
        """The name of the target's database."""
        return self.target.database().name

    @property
    def incoming(self) -> str:
        """What the database is called while it is restored."""
        return incoming_name(self.name, self.stamp)

    @property
    def aside(self) -> str:
        """What the database is called that is replaced. An undo may begin in the second in which
        the restore began."""
        undo = self.operation.plan.runbook == UNDO_RUNBOOK
        return aside_name(self.name, f"{self.stamp}-{self.operation.id}" if undo else self.stamp)

    @property
    def undone(self) -> str:
        """What a database is called that took the name and had to give it back."""
        return undone_name(self.name, self.stamp)

    @property
    def set_id(self) -> str:
        """The set that is restored, or the words for a file."""
        return str(self.operation.plan.facts["set"])

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are restored."""
        return tuple(self.operation.plan.facts["parts"])

    @contextlib.asynccontextmanager
    async def fetched(self, *parts: str) -> AsyncIterator[Path]:
        """The set's directory inside the block, with at least these parts."""
        async with self.backups.fetched(self.target.name, self.set_id, parts) as directory:
            yield directory

    @contextlib.asynccontextmanager
    async def dump(self) -> AsyncIterator[Dump]:
        """What the database is restored from, on this machine inside the block."""
        if name := file_name(self.set_id):
            yield Dump(dumps_directory(self.backups, self.target.name) / name)
            return
        found = await self.backups.find(self.target.name, self.set_id)
        if found.manifest is None:
            raise NotFound(f"{self.set_id} is no set any more.")
        async with self.fetched(DATABASE) as directory:
            yield dump_of(directory, found.manifest.tables)


def dumps_directory(backups: Backups, target: str) -> Path:
    """Where plain dumps of a target may lie to be restored: beside its sets."""
    return backups.store(target).directory
