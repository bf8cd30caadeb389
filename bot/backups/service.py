"""The verbs of backups: plan, request, list, find."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.backups.commands import Commands, fates, rules
from bot.backups.model import BackupSet
from bot.backups.pruning import prune, remove_named
from bot.backups.publishing import publish, published
from bot.backups.retention import reasons
from bot.backups.running import RUNBOOK, Backup, mark_of, remove_partial
from bot.backups.set_store import SetStore
from bot.backups.sources import checked_include
from bot.backups.steps import archive_files, check, dump_database, undo_database, undo_files
from bot.backups.stores import store_of
from bot.backups.verdicts import VerdictsOf, no_verdicts
from bot.backups.verifying import verify
from bot.config.backups import BackupPolicy
from bot.config.settings import Settings
from bot.errors import Refused
from bot.operations.locks import is_kept_out
from bot.operations.model import Operation
from bot.operations.plan import Confirm, Plan, PlannedStep
from bot.operations.service import Operations
from bot.operations.states import OperationState
from bot.operations.work_step import WorkStep
from bot.store.database import Transaction
from bot.targets.targets import Targets
from bot.words import utc_now

PRUNE = "prune"


class Backups:
    """What the surfaces call. Registers runbooks and steps of backups with the engine."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        operations: Operations,
        *,
        verdicts: VerdictsOf = no_verdicts,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self._targets = targets
        self._operations = operations
        self._verdicts = verdicts
        self._clock = clock
        for kind, step in (
            ("backup.check", WorkStep(self._find, check, undo=remove_partial)),
            ("backup.database", WorkStep(self._find, dump_database, undo=undo_database)),
            ("backup.files", WorkStep(self._find, archive_files, undo=undo_files)),
            ("backup.config", WorkStep(self._find, archive_files, undo=remove_partial)),
            ("backup.verify", WorkStep(self._find, verify, undo=remove_partial)),
            ("backup.publish", WorkStep(self._find, publish, undo=remove_partial, done=published)),
            ("backup.prune", WorkStep(self._find, prune, done=prune)),
            (
                "backup.remove",
                WorkStep(self._find, remove_named, done=remove_named),
            ),
        ):
            operations.register(kind, step)
        operations.add_runbook(RUNBOOK, self._plan_backup)
        operations.add_runbook(PRUNE, self._plan_prune)

    def plan(self, target: str, include: Sequence[str] = ()) -> Plan:
        """What a backup of these parts will do; of all that is configured where none is named.

        Raises UsageError for an unknown part, Refused where the target's backups are not set up.
        """
        parts = self.parts(target, include or self.policy(target).include)
        keep = self.policy(target).keep
        pruning = PlannedStep(
            "backup.prune",
            "Prune",
            command=self.store(target).removal(["…"]),
            risk=f"removes the sets that no rule keeps ({rules(keep)}); what is removed cannot be"
            " brought back",
            repeatable=True,
        )
        return Plan(
            runbook=RUNBOOK,
            title=f"Backup of {target}",
            target=target,
            disturbs=False,
            steps=(*self.steps(target, parts), pruning),
            facts={"include": list(parts)},
            parameters={"include": list(parts)},
            undo="nothing to take back: until it is published there is no set",
        )

    def steps(
        self, target: str, include: Sequence[str], *, title: str = ""
    ) -> tuple[PlannedStep, ...]:
        """The steps of a backup of these parts, to be placed in a plan whose facts `include` them.

        They remove no older sets: what the plan needs may be one of those. `title` goes before
        the titles of the steps. Raises like `plan`.
        """
        store = self.store(target)
        commands = Commands(self._targets.get(target), self.settings.target(target), store)
        planned = (
            commands.check(),
            *(commands.part(part) for part in self.parts(target, include)),
            commands.verify(),
            commands.publish(),
        )
        if not title:
            return planned
        return tuple(
            replace(
                step,
                title=f"{title}: {step.title[0].lower()}{step.title[1:]}",
                group=title,
                # Once it is published, what led to it stands with it.
                stands=True,
            )
            for step in planned
        )

    async def _plan_backup(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        return self.plan(target, parameters.get("include", ()))

    async def _plan_prune(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        store, sets = self.store(target), await self.sets(target)
        kept = self.kept_because(target, sets)
        going = self.going(target, sets)
        removing = PlannedStep(
            "backup.remove",
            "Remove" if going else "Remove nothing",
            {"sets": going},
            command=store.removal(going),
            risk="what is removed is gone for good",
            undo="none",
            repeatable=True,
            left_out="" if going else "every set is kept",
        )
        return Plan(
            runbook=PRUNE,
            title=f"Prune the backups of {target}",
            target=target,
            disturbs=False,
            steps=(removing,),
            facts={"sets": going},
            access=RUNBOOK,
            confirm=Confirm.ASK,
            notes=tuple(fates(sets, kept)),
            undo="none: what was removed is gone",
        )

    def kept_because(self, target: str, sets: Sequence[BackupSet]) -> Mapping[str, list[str]]:
        """Why each good set of a target stays; nothing for one that the next pruning removes."""
        good = [manifest for one in sets if (manifest := one.good)]
        policy, zone = self.policy(target), self.settings.timezone
        return reasons(good, policy.keep, zone, self._clock(), policy.undo_for)

    def going(self, target: str, sets: Sequence[BackupSet]) -> list[str]:
        """The IDs of the good ones of a target's sets that no rule keeps."""
        kept = self.kept_because(target, sets)
        return [one.id for one in sets if one.good and not kept[one.id]]

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

    def store(self, target: str, mark: str = "") -> SetStore:
        """Where the sets of a target are; `mark` is what processes that it starts are found by.

        Raises Refused where the target's backups are not set up.
        """
        self.policy(target)
        return store_of(self.settings, target, verdicts=self._verdicts, mark=mark)

    async def request(
        self,
        tx: Transaction,
        plan: Plan,
        *,
        actor: str,
        reason: str,
        request_key: str | None = None,
    ) -> int:
        """Queues a backup; its number. It runs once what was queued before it has ended."""
        return await self._operations.request(
            tx, plan, actor=actor, reason=reason, request_key=request_key
        )

    async def waiting(self, tx: Transaction, plan: Plan) -> Operation | None:
        """A backup of the plan's target that has not begun and will hold all that it would; none
        that waits for somebody to unlock the target, which may take a week."""
        wanted = {*plan.facts["include"]}
        for operation in await self._operations.unfinished(tx, plan.target):
            waits = operation.state is OperationState.QUEUED and operation.plan.runbook == RUNBOOK
            holds_all = waits and wanted <= {*operation.plan.facts["include"]}
            if holds_all and not await is_kept_out(tx, operation):
                return operation
        return None

    async def sets(self, target: str) -> list[BackupSet]:
        """The sets of a target, newest first. Raises Refused like `store`, and Unavailable and
        Failed where a repository cannot be read."""
        return await self.store(target).sets()

    async def find(self, target: str, wanted: str) -> BackupSet:
        """A set by its ID, the beginning of it, or `latest`. Raises NotFound, and like `sets`."""
        return await self.store(target).find(wanted)

    @contextlib.asynccontextmanager
    async def fetched(
        self, target: str, set_id: str, parts: Iterable[str] | None = None
    ) -> AsyncIterator[Path]:
        """A set as a directory of this machine inside the block, with at least these parts (all
        where None is given) and what belongs to none. It may only be read.

        Raises NotFound, Failed where there is no room for it, and like `sets`.
        """
        store = self.store(target)
        async with store.fetched(await store.find(set_id), parts) as directory:
            yield directory

    async def newest(self, target: str) -> datetime | None:
        """When the newest good set was finished that holds all that the target's policy asks for.

        None where there is none; raises like `sets`.
        """
        newest = await self.store(target).newest(self.policy(target).include)
        return newest.finished if newest else None

    def _find(self, operation: Operation) -> Backup:
        name = operation.plan.target
        return Backup(
            operation=operation,
            target=self._targets.get(name),
            settings=self.settings.target(name),
            policy=self.policy(name),
            store=self.store(name, mark_of(operation)),
            zone=self.settings.timezone,
            clock=self._clock,
        )
