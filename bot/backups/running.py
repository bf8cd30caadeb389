"""What the steps of one backup share, and the frame that every step runs in.

All of them work on one partial set, named after the operation's start: whatever ends a backup
early, that directory is all there is to remove.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.backups.database import DatabaseBackup
from bot.backups.meter import Meter
from bot.backups.model import set_names
from bot.backups.set_store import SetStore
from bot.backups.sources import Part, parts_of
from bot.config import targets as configured
from bot.config.backups import BackupPolicy
from bot.operations.model import Operation, StepContext
from bot.operations.states import StepState
from bot.targets.model import Target

RUNBOOK = "backup"
"""The runbook's name; the kinds of its steps begin with it."""

logger = logging.getLogger(__name__)

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Backup:
    """One backup under way; each step finds it anew from its operation."""

    operation: Operation
    target: Target
    settings: configured.Target
    policy: BackupPolicy
    store: SetStore
    zone: ZoneInfo
    clock: Callable[[], datetime]

    @property
    def started(self) -> datetime:
        """When the operation began to run."""
        if self.operation.started is None:
            raise ValueError(f"operation {self.operation.id} has not begun")
        return self.operation.started

    @property
    def include(self) -> tuple[str, ...]:
        """The parts to back up."""
        return tuple(self.operation.plan.facts["include"])

    @property
    def parts(self) -> list[Part]:
        """The archives among them."""
        return parts_of(self.settings, self.include)

    @property
    def partial(self) -> Path:
        """Where the set is written; the engine runs one operation at a time per target."""
        return self.store.partial(self._name)

    @property
    def database(self) -> DatabaseBackup:
        """The database's part; its sessions on the server bear the mark as their name."""
        return DatabaseBackup(self.target, self.mark)

    @property
    def mark(self) -> str:
        """What this backup's processes are found by, wherever they run."""
        return mark_of(self.operation)

    def meter(self, context: StepContext, part: str) -> Meter:
        """Progress towards the size that the part had last time, which the check has found."""
        before = self.operation.results().get("backup.check", {}).get("before", {})
        return Meter(context, before.get(part))

    def results(self) -> list[Result]:
        """What the backup's finished steps have returned; the operation may have others."""
        return [
            step.result
            for step in self.operation.steps
            if step.state is StepState.DONE and step.planned.kind.startswith(f"{RUNBOOK}.")
        ]

    @property
    def _name(self) -> str:
        return next(set_names(self.started))


def mark_of(operation: Operation) -> str:
    """What the processes of an operation's backup are found by, wherever they run."""
    return f"opsbell backup {operation.tag} {operation.plan.target}"


async def remove_partial(backup: Backup, context: StepContext) -> None:
    """Undoes whatever a backup has written, and ends removals of old backups that it had begun."""
    await backup.store.settle()
    await backup.store.clear()
