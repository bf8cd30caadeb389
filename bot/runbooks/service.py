"""The verbs of configured runbooks: which there are, and what one would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.config.access import runbook_rule
from bot.config.runbooks import Runbook
from bot.config.settings import Settings
from bot.errors import NotFound, UsageError
from bot.operations.plan import Confirm, Plan, Recovery
from bot.operations.service import Operations
from bot.runbooks.parameters import accepted
from bot.runbooks.planning import Others, Planned, StepPlanner
from bot.runbooks.registering import kinds_of
from bot.runbooks.telling import Holders, Telling
from bot.slack.posts import Posts
from bot.slack.text_in import nearest
from bot.store.database import Database
from bot.targets.targets import Targets
from bot.words import join


class Runbooks:
    """What the surfaces call. Registers the kinds of steps with the engine, and a planner for each
    configured runbook under the name of its access rule."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        database: Database,
        posts: Posts,
        operations: Operations,
        others: Others,
        *,
        holders: Holders,
    ) -> None:
        self.settings = settings
        self._targets = targets
        self._others = others
        telling = Telling(database, posts, settings.slack.channel("ops"), holders)
        kinds = kinds_of(
            settings,
            targets,
            approvals=operations.step_approvals,
            ask=telling.approval,
            tell=telling.note,
        )
        for kind, code in kinds.items():
            operations.register(kind, code)
        for name in settings.runbooks:
            operations.add_runbook(runbook_rule(name), self._planner(name))

    def find(self, name: str) -> Runbook:
        """A runbook by its name. Raises NotFound."""
        found = self.settings.runbooks.get(name)
        if found is None:
            known = sorted(self.settings.runbooks)
            hint = nearest(name, known) or (f"There is {join(known)}." if known else "")
            raise NotFound(f"There is no runbook called {name[:40]}.", hint=hint)
        return found

    async def plan(self, name: str, target: str, given: Mapping[str, str]) -> Plan:
        """What a runbook would do. Raises UsageError, Refused, NotFound and Unavailable."""
        runbook = self.find(name)
        if runbook.target and runbook.target != target:
            raise UsageError(f"{name} is for {runbook.target}.")
        parameters = accepted(runbook, given)
        planned = await self.steps(name, target, parameters)
        redact = self._targets.get(target).redact
        restores = any(step.restore for step in runbook.steps)
        return Plan(
            runbook=runbook_rule(name),
            title=f"{runbook.title} on {target}",
            target=target,
            steps=tuple(planned.steps),
            facts=planned.facts,
            parameters=parameters,
            confirm=Confirm.NAME if restores else Confirm.ASK,
            recovery=Recovery.ASK,
            notes=tuple(redact(f"{key}: {value}") for key, value in parameters.items()),
        )

    async def steps(self, name: str, target: str, parameters: Mapping[str, str]) -> Planned:
        """The planned steps of a runbook, for a plan of its own or for another's."""
        runbook = self.find(name)
        planner = StepPlanner(self.settings, self._targets, self._others, title=runbook.title)
        return await planner.plan(target, runbook.steps, accepted(runbook, parameters))

    def _planner(self, name: str) -> Callable[[str, Mapping[str, Any]], Any]:
        async def plan(target: str, parameters: Mapping[str, Any]) -> Plan:
            return await self.plan(name, target, parameters)

        return plan
