"""Each target: its directory and files, its services and database, and the checks of all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.cancelling import end
from bot.config.base import OWN
from bot.config.targets import ComposeTarget, HostTarget, SwarmTarget
from bot.doctor import checks
from bot.doctor.compose_project import ProjectLook, Projects, named_services
from bot.doctor.host_services import look_at_services
from bot.doctor.looking import looked
from bot.doctor.model import Finding, unseen, wrong
from bot.doctor.patient import Patient
from bot.doctor.target_database import SUBJECT as DATABASE
from bot.doctor.target_database import DatabaseLook
from bot.doctor.target_files import FilesLook
from bot.errors import OpsbellError
from bot.targets.inspection import Inspection, ServiceContainer
from bot.words import Sign

_MADE_WITH = ("POSTGRES_USER", "POSTGRES_DB")


@dataclass(frozen=True)
class Standing:
    """What was found of one target, and what of it stands so that more can be looked at.

    `running` are its services that run, None for a target whose services are no containers;
    `stopped` says why nothing can be looked at in a container, "" where something can.
    """

    findings: tuple[Finding, ...]
    containers: Sequence[ServiceContainer] = ()
    running: frozenset[str] | None = None
    stopped: str = ""

    @property
    def ground(self) -> checks.Ground:
        """What checks can stand on."""
        subjects = {each.subject for each in self.findings if each.sign is not Sign.DONE}
        stands = subjects.isdisjoint({DATABASE, "Directory", "Runtime"})
        return checks.Ground(database=stands, services=self.running)


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """One heading for each target, as soon as all of it is known; then the checks that stand on
    them."""
    grounds: dict[str, checks.Ground] = {}
    async with Inspection() as docker:
        projects = await _projects(patient, docker)
        rounds = [
            asyncio.create_task(_TargetRound(patient, name, docker).go(projects), name=name)
            for name in patient.settings.targets
            if name != OWN  # the database and the data directory have headings of their own
        ]
        waiting = set(rounds)
        try:
            while waiting:
                ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each in sorted(ended, key=rounds.index):
                    standing = await each
                    grounds[each.get_name()] = standing.ground
                    for finding in standing.findings:
                        yield finding
        finally:
            await end(rounds)
    for finding in await checks.findings(patient, grounds):
        yield finding


async def _projects(patient: Patient, docker: Inspection) -> Projects | None:
    """What Compose runs; None where the Engine keeps it to itself, as the Docker area says."""
    if not any(isinstance(each, ComposeTarget) for each in patient.settings.targets.values()):
        return {}
    try:
        await docker.engine()
        return None if await docker.refused() else await docker.projects()
    except OpsbellError:
        return None


class _TargetRound:
    """The round of one target: its directory first, then what runs, then what needs both."""

    def __init__(self, patient: Patient, name: str, docker: Inspection) -> None:
        self._patient = patient
        self._name = name
        self._docker = docker
        self._area = f"Target {name}"

    async def go(self, projects: Projects | None) -> Standing:
        """All that was found, in the order in which people would look."""
        settings = self._patient.settings.targets[self._name]
        if isinstance(settings, SwarmTarget):
            says = "It runs in Docker Swarm, which Opsbell does not operate yet."
            todo = "Targets of runtime compose and host work."
            return Standing((wrong(self._area, "Runtime", says, todo),), running=frozenset())
        target = self._patient.targets.get(self._name)
        files = FilesLook(self._area, target, settings)
        if missing := await looked(self._area, "Directory", files.directory()):
            return Standing(tuple(missing), running=frozenset())
        standing = Standing(())
        if isinstance(settings, ComposeTarget):
            standing = await self._compose(settings, projects)
        files = replace(files, running=standing.running or (), containers=standing.containers)
        found = await asyncio.gather(*self._looks(settings, files, standing))
        more = tuple(finding for each in found for finding in each)
        return replace(standing, findings=standing.findings + more)

    async def _compose(self, settings: ComposeTarget, projects: Projects | None) -> Standing:
        """The project's files, the project itself, its services."""
        look = ProjectLook(self._area, self._name, settings)
        read = await looked(self._area, "Compose files", look.files())
        if projects is None:
            says = "The Docker Engine cannot be asked."
            unasked = unseen(self._area, "Compose project", says)
            return Standing((*read, unasked), running=frozenset(), stopped=says)
        project = look.project(projects)
        if project.sign is Sign.CRITICAL:
            says = "The Compose project does not run."
            return Standing((*read, project), running=frozenset(), stopped=says)
        there = projects[settings.compose.project]
        services = look.services(there, named_services(self._patient.settings, self._name))
        running = frozenset(each.service for each in there if each.state == "running")
        return Standing((*read, project, *services), there, running)

    def _looks(
        self, settings: ComposeTarget | HostTarget, files: FilesLook, standing: Standing
    ) -> list[Coroutine[Any, Any, list[Finding]]]:
        """What can be looked at side by side."""
        looks: list[tuple[str, Coroutine[Any, Any, list[Finding]]]] = []
        if settings.database:
            looks.append((DATABASE, self._database(settings, standing)))
        looks += [
            (f"Files {name}", files.files(name, each)) for name, each in settings.files.items()
        ]
        looks += [
            ("Config", files.config()),
            ("Revision", files.revision()),
            ("Maintenance", files.maintenance()),
            ("Health", files.health()),
        ]
        if isinstance(settings, HostTarget):
            looks.append(("Services", look_at_services(self._area, self._name, settings)))
        return [looked(self._area, subject, look) for subject, look in looks]

    async def _database(
        self, settings: ComposeTarget | HostTarget, standing: Standing
    ) -> list[Finding]:
        """The database; one in a container once its service runs."""
        made_with: dict[str, str] = {}
        if isinstance(settings, ComposeTarget) and settings.database:
            service = settings.database.service
            if service not in (standing.running or ()):
                says = standing.stopped or f"The service {service} does not run."
                return [unseen(self._area, DATABASE, says)]
            container = next(one for one in standing.containers if one.service == service)
            made_with = await self._docker.environment(container.id, _MADE_WITH)
        target = self._patient.targets.get(self._name)
        return await DatabaseLook(self._area, target, made_with).findings()
