"""The verbs of backups: plan, request, list, find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.backups.catalogue import Catalogue
from bot.backups.model import CONFIG, DATABASE, BackupSet
from bot.backups.publishing import prune, publish, published
from bot.backups.running import Backup, BackupStep
from bot.backups.sources import checked_include
from bot.backups.steps import archive_files, check, dump_database, undo_database, undo_files
from bot.backups.threads import in_thread
from bot.config.backups import BackupPolicy
from bot.config.settings import Settings
from bot.errors import Refused
from bot.operations.model import Operation, OperationState, Plan, PlannedStep
from bot.operations.service import Operations
from bot.store.database import Transaction
from bot.targets.targets import Targets
from bot.words import utc_now

RUNBOOK = "backup"


@dataclass(frozen=True)
class Queued:
    """A backup that was asked for; `behind` are the target's operations that come first."""

    operation: int
    target: str
    behind: tuple[Operation, ...]


class Backups:
    """What the surfaces call. Registers the steps of backups with the engine."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        operations: Operations,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self._targets = targets
        self._operations = operations
        self._clock = clock
        for kind, step in (
            ("backup.check", BackupStep(self._find, check)),
            ("backup.database", BackupStep(self._find, dump_database, undo=undo_database)),
            ("backup.files", BackupStep(self._find, archive_files, undo=undo_files)),
            ("backup.config", BackupStep(self._find, archive_files)),
            ("backup.publish", BackupStep(self._find, publish, done=published)),
            ("backup.prune", BackupStep(self._find, prune, done=prune)),
        ):
            operations.register(kind, step)

    def plan(self, target: str, include: Sequence[str] = ()) -> Plan:
        """What a backup of these parts will do; of all that is configured where none is named.

        Raises UsageError for an unknown part, Refused where the target's backups are not set up.
        """
        self.catalogue(target)
        parts = self.parts(target, include or self.policy(target).include)
        return Plan(
            runbook=RUNBOOK,
            title=f"Backup of {target}",
            target=target,
            steps=(
                PlannedStep("backup.check", "Check"),
                *(_step(part) for part in parts),
                PlannedStep("backup.publish", "Publish"),
                PlannedStep("backup.prune", "Prune"),
            ),
            facts={"include": list(parts)},
        )

    def parts(self, target: str, words: Sequence[str]) -> tuple[str, ...]:
        """The parts that words name, each once and in their usual order.

        Raises UsageError for a word that is no part of the target.
        """
        return checked_include(self.settings.target(target), target, words)

    def policy(self, target: str) -> BackupPolicy:
        """How a target is backed up. Raises Refused where that is not configured."""
        policy = self.settings.backups.get(target)
        if policy is None:
            raise Refused(
                f"{target} has no backups configured.",
                hint=f"Add backups.{target} with include and store.directory to opsbell.yaml.",
            )
        return policy

    def catalogue(self, target: str) -> Catalogue:
        """Where the sets of a target are. Raises Refused where they are not in a directory."""
        store = self.policy(target).store.directory
        if store is None:
            raise Refused(
                f"The backups of {target} name a restic repository, which is not supported yet.",
                hint=f"Set backups.{target}.store.directory instead.",
            )
        return Catalogue(store / target)

    async def request(
        self,
        tx: Transaction,
        plan: Plan,
        *,
        actor: str,
        reason: str,
        request_key: str | None = None,
    ) -> Queued:
        """Queues a backup; it runs once the target's operations before it have ended."""
        before = await self._operations.unfinished(tx, plan.target)
        number = await self._operations.request(
            tx, plan, actor=actor, reason=reason, request_key=request_key
        )
        return Queued(number, plan.target, tuple(before))

    async def waiting(self, tx: Transaction, plan: Plan) -> Operation | None:
        """A backup of the plan's target that has not begun and will hold all that it would."""
        wanted = {*plan.facts["include"]}
        for operation in await self._operations.unfinished(tx, plan.target):
            waits = operation.state is OperationState.QUEUED and operation.plan.runbook == RUNBOOK
            if waits and wanted <= {*operation.plan.facts["include"]}:
                return operation
        return None

    async def sets(self, target: str) -> list[BackupSet]:
        """The sets of a target, newest first. Raises Refused like `catalogue`."""
        return await in_thread(self.catalogue(target).sets)

    async def find(self, target: str, wanted: str) -> BackupSet:
        """A set by its ID, the beginning of it, or `latest`. Raises NotFound."""
        return await in_thread(self.catalogue(target).find, wanted)

    async def newest(self, target: str) -> datetime | None:
        """When the newest good set was finished that holds all that the target's policy asks for.

        None where there is none; raises Refused like `catalogue`.
        """
        include = self.policy(target).include
        newest = await in_thread(self.catalogue(target).newest, include)
        return newest.finished if newest else None

    def _find(self, operation: Operation) -> Backup:
        name = operation.plan.target
        return Backup(
            operation=operation,
            target=self._targets.get(name),
            settings=self.settings.target(name),
            policy=self.policy(name),
            catalogue=self.catalogue(name),
            zone=self.settings.timezone,
            clock=self._clock,
        )


def _step(part: str) -> PlannedStep:
    if part == DATABASE:
        return PlannedStep("backup.database", "Database")
    if part == CONFIG:
        return PlannedStep("backup.config", "Configuration", {"part": part})
    return PlannedStep("backup.files", part.capitalize(), {"part": part})
