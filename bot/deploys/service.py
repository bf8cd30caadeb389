"""The verbs of deploys: plan, look at what runs, lock."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.backups.service import Backups
from bot.config.settings import Settings
from bot.config.targets import ComposeTarget, HostTarget
from bot.deploys import (
    compose,
    health,
    looked,
    packages,
    planning,
    reversing,
    rollback,
    steps,
    view,
    watching,
)
from bot.deploys import deployment as kinds
from bot.deploys.counting import Migrated, State
from bot.deploys.deployment import Deployment
from bot.deploys.migrations import asked, state_of
from bot.deploys.model import Migration, applied_since
from bot.deploys.past import Past, migrated
from bot.deploys.planning import RUNBOOK
from bot.deploys.repository import Repository
from bot.errors import NotFound, OpsbellError, Refused
from bot.operations.model import Operation, TargetLock
from bot.operations.plan import Plan, PlannedStep
from bot.operations.service import Operations
from bot.operations.states import OperationState
from bot.operations.work_step import Work, WorkStep
from bot.restores.model import RUNBOOK as RESTORE
from bot.restores.model import UNDO_RUNBOOK as RESTORE_UNDO
from bot.runbooks.planning import Planned
from bot.slack.posts import Posts
from bot.store.database import Database
from bot.targets.targets import Targets

_FAR_BACK = 100
"""Deploys among which the code is looked for that has a migration."""

_RECENT = 15
"""Deploys and restores that are asked about migrations of which the database does not tell."""

RunbookSteps = Callable[[str, str, Mapping[str, str]], Awaitable[Planned]]
"""The steps of a configured runbook on a target, with parameters."""


@dataclass(frozen=True)
class Running:
    """What a target runs: the commit, the names that it goes by, since when, how its database
    stands to that, and who holds it."""

    target: str
    commit: str
    branch: str
    names: Sequence[str]
    changed: Sequence[str]
    last: Operation | None
    since: datetime | None
    migrations: State
    lock: TargetLock | None


@dataclass(frozen=True)
class WayBack:
    """What a rollback of a deploy would bring: the commit with its names, and the migrations that
    stay in the database, None where that cannot be known."""

    commit: str
    names: Sequence[str]
    staying: tuple[Migration, ...] | None


class Deploys:
    """What the surfaces call. Registers the steps and the runbook of deploys."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        database: Database,
        operations: Operations,
        backups: Backups,
        posts: Posts,
        *,
        runbook_steps: RunbookSteps,
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._database = database
        self._operations = operations
        self._backups = backups
        self._posts = posts
        self._runbook_steps = runbook_steps
        self._register()

    def _register(self) -> None:
        watch = watching.Watch(self._alarm)
        for kind, step in (
            (kinds.CHECK, WorkStep(self._find, steps.check)),
            (kinds.KEEP, WorkStep(self._find, steps.keep, undo=steps.bring_back)),
            (
                kinds.INSTALL,
                WorkStep(self._find, packages.install, undo=packages.packages_of_before),
            ),
            (kinds.BUILD, WorkStep(self._find, compose.build, undo=compose.build_undone)),
            (kinds.IMAGES, WorkStep(self._find, steps.use_images, undo=steps.images_back)),
            (kinds.MANAGE, self._managing(steps.manage)),
            (
                kinds.REVERSE,
                WorkStep(
                    self._find,
                    reversing.reverse,
                    undo=reversing.apply_again,
                    done=steps.manage_not_known,
                ),
            ),
            (kinds.REVERSIBLE, self._managing(reversing.check)),
            (
                kinds.MIGRATE,
                WorkStep(
                    self._find,
                    steps.migrate,
                    undo=steps.migrations_stay,
                    done=steps.manage_not_known,
                ),
            ),
            (kinds.STATIC, self._managing(steps.manage)),
            (
                kinds.SWITCH,
                WorkStep(self._find, steps.switch, undo=steps.end_switch, done=steps.switched),
            ),
            (kinds.HEALTHY, WorkStep(self._find, health.healthy, done=health.healthy_by_now)),
            (kinds.WATCH, WorkStep(self._find, watch.run, done=watching.watched)),
        ):
            self._operations.register(kind, step)
        self._operations.add_runbook(RUNBOOK, self.plan)
        self._operations.add_runbook(rollback.RUNBOOK, self.plan_rollback)
        for runbook in (RUNBOOK, rollback.RUNBOOK):
            self._operations.add_next_steps(runbook, view.next_steps)

    def _managing(self, work: Work[Deployment]) -> WorkStep[Deployment]:
        return WorkStep(self._find, work, undo=steps.end_manage, done=steps.manage_not_known)

    async def plan(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        """What a deploy of `ref` (the configured one where none is given) would do, with `force`
        also where what runs is no part of it. Fetches objects and changes nothing else."""
        settings = self._of(target)
        told = await self._migrated(target)
        found = await looked.look(self._targets.get(target), settings, parameters, told)
        added: dict[str, Planned] = {
            after: await self._runbook_steps(name, target, {})
            for after, name in settings.deploy.add.items()
        }
        return planning.plan(found, parameters, self._safety, added)

    async def plan_rollback(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        """What it would take to go back to what ran before the deploy numbered `deploy` (the last
        one where none is given), `with` the migrations reversed or the database of before."""
        settings = self._of(target)
        number = parameters.get("deploy") or await self._last_deploy(target)
        operation = await self._operations.get(int(number))
        if operation.plan.target != target:
            raise Refused(f"Operation {number} is none of {target}.", hint="See /deploy history.")
        return await rollback.plan(
            self._targets.get(target),
            settings,
            Past.of(operation),
            parameters,
            later=await self._since(operation),
            backup=self._safety,
            restore=self._restore,
        )

    async def _since(self, operation: Operation) -> list[Past]:
        """The deploys of its target after one, the newest first."""
        found = await self.history(operation.plan.target, _FAR_BACK)
        later = [each for each in found if each.id > operation.id]
        return [past for each in later if (past := _past(each))]

    async def _migrated(self, target: str) -> Migrated:
        runbooks = (RUNBOOK, rollback.RUNBOOK, RESTORE, RESTORE_UNDO)
        found = [await self._operations.last(each, target, _RECENT) for each in runbooks]
        return migrated(itertools.chain(*found))

    async def _last_deploy(self, target: str) -> int:
        for operation in await self.history(target):
            if operation.plan.runbook == RUNBOOK and operation.state is OperationState.DONE:
                return operation.id
        raise NotFound(f"There is no deploy of {target} to go back from.")

    async def _restore(self, target: str, backup: str) -> Plan:
        parameters = {"set": backup, "parts": ["database"]}
        return await self._operations.plan(RESTORE, target, parameters)

    async def running(self, target: str) -> Running:
        """What a target runs."""
        found = self._targets.get(target)
        repository = Repository(found, self._of(target).deploy.remote)
        head = await repository.head()
        operations = await self.history(target)
        last = next((each for each in operations if each.state is OperationState.DONE), None)
        async with self._database.transaction() as tx:
            lock = await self._operations.locks.get(tx, target)
        return Running(
            target,
            head.commit,
            head.branch,
            await repository.names_of(head.commit),
            await repository.changed(),
            operations[0] if operations else None,
            last.finished if last and last.plan.facts["commit"] == head.commit else None,
            await state_of(found, repository, head.commit, await self._migrated(target)),
            lock,
        )

    async def ways_back(
        self, target: str, operations: Sequence[Operation]
    ) -> Mapping[int, WayBack]:
        """What a rollback of each of these deploys would bring, by their numbers; those from which
        there is no way back, or none that changes what runs, are left out."""
        found = self._targets.get(target)
        repository = Repository(found, self._of(target).deploy.remote)
        head = (await repository.head()).commit
        now, _ = await asked(found)
        names: dict[str, Sequence[str]] = {}
        ways = {}
        for operation in operations:
            past = _past(operation) if operation.state is OperationState.DONE else None
            if past is None or past.before == head or not await repository.has(past.before):
                continue
            if past.before not in names:
                names[past.before] = await repository.names_of(past.before)
            known = past.migrations is not None and now is not None
            staying = applied_since(past.migrations or (), now or ()) if known else None
            ways[operation.id] = WayBack(past.before, names[past.before], staying)
        return ways

    async def history(self, target: str, limit: int = 15) -> list[Operation]:
        """The newest deploys of a target that were run, newest first."""
        found = [
            *(await self._operations.last(RUNBOOK, target, limit)),
            *(await self._operations.last(rollback.RUNBOOK, target, limit)),
        ]
        newest = sorted(found, key=lambda operation: operation.id, reverse=True)
        return [operation for operation in newest if operation.started][:limit]

    async def cancel(self, number: int, *, actor: str) -> None:
        """Cancels a deploy that runs, which takes it back. Raises like `Operations.cancel`."""
        async with self._database.transaction() as tx:
            await self._operations.cancel(tx, number, actor=actor)

    def _safety(self, target: str) -> Sequence[PlannedStep]:
        return self._backups.steps(target, ["database"], title="Safety backup")

    def _of(self, target: str) -> ComposeTarget | HostTarget:
        settings = self._settings.target(target)
        if isinstance(settings, ComposeTarget | HostTarget):
            return settings
        raise Refused(
            f"{target} runs in Docker Swarm, which Opsbell does not deploy to yet.",
            hint="Targets of runtime compose and host work.",
        )

    def _find(self, operation: Operation) -> Deployment:
        name = operation.plan.target
        return Deployment(operation, self._targets.get(name), self._of(name), self._data(name))

    def _data(self, target: str) -> Path:
        return self._settings.data / "deploys" / target

    async def _alarm(self, operation: Operation, lines: Sequence[str]) -> None:
        channel = self._settings.slack.channel("ops")
        told = view.alarm(operation, lines)
        try:
            async with self._database.transaction() as tx:
                await self._posts.put(tx, f"{operation.key}:watch", channel=channel, message=told)
        except OpsbellError:
            kinds.logger.warning("errors after a deploy not told", exc_info=True)


def _past(operation: Operation) -> Past | None:
    """What a way back rests on; None for a deploy that changed nothing."""
    try:
        return Past.of(operation)
    except Refused:
        return None
