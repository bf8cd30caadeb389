"""Configured steps as planned ones: parameters filled in, facts looked at, identities resolved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from bot.config.settings import Settings
from bot.config.steps import Condition, Step
from bot.config.targets import HostTarget, SwarmTarget
from bot.errors import NotFound, Refused, Unavailable
from bot.operations.plan import PlannedStep
from bot.runbooks import git, steps
from bot.runbooks.kinds_wait import health_url
from bot.runbooks.parameters import filled
from bot.runbooks.sql_text import psql_text
from bot.targets.compose_command import compose_configuration
from bot.targets.targets import Targets
from bot.words import join

Inlined = tuple[Sequence[PlannedStep], Mapping[str, Any]]
"""Steps that another capability planned, and the facts that they need."""


class Others(Protocol):
    """What other capabilities plan. Each raises OpsbellError where it cannot be done."""

    async def backup(self, target: str, include: Sequence[str]) -> Inlined:
        """A backup of parts of a target; of all that is configured where none is named."""
        ...

    async def restore(self, target: str, wanted: str, include: Sequence[str]) -> Inlined:
        """A restore of a set, given by its ID or `latest`, whole or in part."""
        ...

    def maintenance(self, target: str, wanted: str, reason: str) -> PlannedStep:
        """Maintenance `on` or `off`."""
        ...


@dataclass
class Planned:
    """What planning has come to."""

    steps: list[PlannedStep] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class StepPlanner:
    """Plans the steps of the configuration for one target. Changes nothing."""

    def __init__(
        self, settings: Settings, targets: Targets, others: Others, *, title: str = ""
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._others = others
        self._title = title

    async def plan(
        self, target: str, configured: Sequence[Step], parameters: Mapping[str, str]
    ) -> Planned:
        """The steps in order, with the facts they rest on. Raises OpsbellError."""
        await self._refuse_unknown_services(target, configured)
        planned = Planned()
        for step in configured:
            if left_out := await self._left_out(target, step, parameters):
                planned.steps.append(
                    PlannedStep(step.kind, step.title or _name(step), left_out=left_out)
                )
                continue
            made, facts = await self._made(target, step, parameters)
            if planned.facts and facts:
                raise Refused(
                    "A runbook makes one backup or one restore, which makes its own backup first.",
                    hint="Put the other into a runbook of its own.",
                )
            planned.facts |= facts
            planned.steps += made
        return planned

    async def _left_out(self, target: str, step: Step, parameters: Mapping[str, str]) -> str:
        """Why a step is left out; "" where it is not."""
        for condition, wanted in ((step.if_, True), (step.unless, False)):
            if condition is not None:
                so, told = await self._judge(target, condition, parameters)
                if so is not wanted:
                    return self._targets.get(target).redact(told)
        return ""

    async def _judge(
        self, target: str, condition: Condition, parameters: Mapping[str, str]
    ) -> tuple[bool, str]:
        """Whether a fact is so, and what it is."""
        if condition.file is not None:
            path = self._targets.get(target).directory() / condition.file
            there = await asyncio.to_thread(path.exists)
            return there, f"{condition.file} {'exists' if there else 'does not exist'}"
        wanted = condition.param or {}
        so = all(parameters[name] == value for name, value in wanted.items())
        return so, join([f"{name} is {parameters[name]}" for name in wanted])

    async def _made(self, target: str, step: Step, parameters: Mapping[str, str]) -> Inlined:
        if step.backup is not None:
            inlined, facts = await self._others.backup(target, step.backup.include)
        elif step.restore is not None:
            wanted = filled(step.restore.id, parameters)
            inlined, facts = await self._others.restore(target, wanted, step.restore.include)
        else:
            return [await self._one(target, step, parameters)], {}
        # Each of their steps has limits and an undo of its own.
        return [replace(each, always=each.always or step.always) for each in inlined], facts

    async def _one(self, target: str, step: Step, parameters: Mapping[str, str]) -> PlannedStep:
        redact = self._targets.get(target).redact
        planned = await self._bare(target, step, parameters)
        # URLs, remotes and titles may hold secrets too.
        planned = replace(planned, command=redact(planned.command))
        undo = [await self._one(target, each, parameters) for each in step.undo]
        return replace(
            steps.undone_by(planned, undo),
            title=redact(step.title or planned.title),
            limit=step.timeout.total_seconds(),
            retries=step.retries,
            repeatable=step.retries > 0 or planned.repeatable or step.kind in steps.REPEATABLE,
            always=step.always,
        )

    async def _bare(self, name: str, step: Step, parameters: Mapping[str, str]) -> PlannedStep:
        """The one planned step of a configured one, without what all kinds have in common."""
        target, on_host = self._targets.get(name), self._on_host(name)
        planned: PlannedStep
        match step:
            case Step(run=run) if run is not None:
                command = _command(run.command, parameters)
                planned = steps.run_step(target, run.service, command, on_host=on_host)
            case Step(host=host) if host is not None:
                planned = steps.host_step(target, _command(host, parameters))
            case Step(sql=text) if text is not None:
                planned = steps.sql_step(target, *_sql(text, parameters), undone=bool(step.undo))
            case Step(http=wait) if wait is not None:
                contains = wait.contains or ""
                planned = steps.http_step(
                    wait.url, wait.within, expect=wait.expect, contains=contains
                )
            case Step(wait_healthy=wait) if wait is not None:
                if on_host:
                    health_url(self._settings, name)
                planned = steps.wait_healthy_step(wait.services, wait.within)
            case Step(compose=compose) if compose is not None:
                planned = steps.compose_step(target, compose.action, compose.services)
            case Step(git=checkout) if checkout is not None:
                planned = await self._git(name, filled(checkout.ref, parameters), checkout.remote)
            case Step(maintenance=wanted) if wanted is not None:
                planned = self._others.maintenance(name, wanted, self._title)
            case Step(approval=approval) if approval is not None:
                text = target.redact(filled(approval.text or "", parameters))
                planned = steps.approval_step(approval.role, approval.count, text)
            case _:
                planned = steps.note_step(target.redact(filled(step.note or "", parameters)))
        return planned

    async def _git(self, name: str, ref: str, remote: str) -> PlannedStep:
        target = self._targets.get(name)
        await git.refuse_changes(target)
        now = await git.head(target)
        return steps.git_step(remote, ref, await git.resolve(target, remote, ref), now)

    async def _refuse_unknown_services(self, target: str, configured: Sequence[Step]) -> None:
        """Raises NotFound for a service that the target does not have, and Refused where Compose
        cannot read its files."""
        named = [name for step in configured for name in _services(step)]
        settings = self._settings.target(target)
        if not named or isinstance(settings, SwarmTarget):
            return
        if isinstance(settings, HostTarget):
            known = tuple(settings.services)
        else:
            try:
                found = await compose_configuration(settings)
            except OSError as error:
                raise Unavailable(
                    f"{error.filename}: {error.strerror}.", retryable=False
                ) from error
            if found.refusal:
                why = f": {found.refusal.says}" if found.refusal.says else ""
                raise Refused(
                    f"Docker Compose cannot read the files of {target}{why}.",
                    hint=found.refusal.todo or "opsbell check says more.",
                )
            known = found.services
        for name in named:
            if name not in known:
                has = f"It has {join(sorted(known))}." if known else "It has none."
                raise NotFound(f"{target} has no service called {name}.", hint=has)

    def _on_host(self, target: str) -> bool:
        return isinstance(self._settings.target(target), HostTarget)


def _command(words: Sequence[str], parameters: Mapping[str, str]) -> list[str]:
    return [filled(word, parameters) for word in words]


def _sql(text: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    try:
        return psql_text(text, parameters)
    except ValueError as error:
        raise Refused(f"The step's SQL has to be {error}.") from None


def _services(step: Step) -> list[str]:
    """The services that a step and what takes it back name."""
    named = [step.run.service] if step.run else []
    for kind in (step.compose, step.wait_healthy):
        named += kind.services if kind else ()
    return named + [name for each in step.undo for name in _services(each)]


def _name(step: Step) -> str:
    return step.kind.replace("_", " ").capitalize()
