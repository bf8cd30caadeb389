"""A Compose project: its files as Compose reads them, its containers as the Engine has them."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.config.settings import Settings
from bot.config.targets import ComposeTarget
from bot.config.words import nearest
from bot.doctor.model import Finding, beware, unseen, well, wrong
from bot.errors import OpsbellError
from bot.os_user import me
from bot.targets.compose_command import (
    DEFAULT_FILES,
    ComposeConfiguration,
    compose_command,
    compose_configuration,
    compose_version,
)
from bot.targets.compose_complaints import Unset
from bot.targets.inspection import ServiceContainer
from bot.targets.own_container import own_container
from bot.words import join

Projects = Mapping[str, Sequence[ServiceContainer]]
_EXIT_STATUS = re.compile(r"\((\d+)\)")


@dataclass(frozen=True)
class ProjectLook:
    """One target's Compose project, looked at. `area` is its heading, `name` the target's."""

    area: str
    name: str
    settings: ComposeTarget

    async def files(self) -> list[Finding]:
        """Whether the files are there and Compose takes them."""
        if missing := await asyncio.to_thread(self._missing_files):
            return missing
        try:
            await compose_version()
        except OpsbellError:
            # The Docker area says what is wrong with it.
            says = "Docker Compose is not there to read them."
            return [unseen(self.area, "Compose files", says)]
        read = await compose_configuration(self.settings)
        if found := [*self._unset(read), *self._refused(read)]:
            return found
        says = f"Docker Compose reads them: {join(list(read.services))}."
        return [well(self.area, "Compose files", says)]

    def _unset(self, read: ComposeConfiguration) -> Iterator[Finding]:
        """Variables without a value: where Compose gives no other reason, they are the reason."""
        tell = wrong if read.refusal and not read.refusal.says else beware
        place = f"targets.{self.name}.compose.env_file"
        if read.unset.named:
            says = f"They use {join(list(read.unset.named))} without a value."
            yield tell(
                self.area, "Compose files", says, f"Name the file that sets them as {place}."
            )
        if read.unset.places:
            where = join(list(read.unset.places))
            has = "has" if len(read.unset.places) == 1 else "have"
            says = f"{where[0].upper()}{where[1:]} {has} a $ that begins no variable with a value."
            todo = f"If it is part of a password, write $$; else set the variable in {place}."
            yield tell(self.area, "Compose files", says, todo)

    def _refused(self, read: ComposeConfiguration) -> Iterator[Finding]:
        if read.refusal is None or (read.unset != Unset() and not read.refusal.says):
            return
        reason = f": {read.refusal.says}" if read.refusal.says else ""
        says = f"Docker Compose refuses them{reason}."
        see = f"To see it, run in {self.settings.directory}: {self.command('config', '--quiet')}"
        yield wrong(self.area, "Compose files", says, read.refusal.todo or see)

    def project(self, projects: Projects) -> Finding:
        """Whether the Engine has the project, and it runs, and from this directory."""
        there = projects.get(self._project)
        if not there:
            return self._unknown_project(projects)
        if not any(each.state in ("running", "restarting", "paused") for each in there):
            says = f"The project {self._project} is stopped."
            return wrong(self.area, "Compose project", says, self._start())
        started_from = {each.directory for each in there if each.directory}
        if own_container() is None and started_from and not self._is_from(started_from):
            says = f"It was started from {join(sorted(started_from))}."
            todo = f"Set targets.{self.name}.directory to that, if it is this one's project."
            return beware(self.area, "Compose project", says, todo)
        return well(self.area, "Compose project", f"Docker has {self._project}.")

    def services(
        self, there: Sequence[ServiceContainer], named: Mapping[str, str]
    ) -> list[Finding]:
        """Whether the services run that the configuration names (by where it names them)."""
        found = [self._service(there, service, named[service]) for service in named]
        troubles = [finding for finding in found if finding]
        if not troubles and named:
            runs = "runs" if len(named) == 1 else "run"
            return [well(self.area, "Services", f"{join(list(named))} {runs}.")]
        return troubles

    def command(self, *arguments: str) -> str:
        """A Compose command for this project, as it is typed."""
        return shlex.join([*compose_command(self.settings), *arguments])

    def _missing_files(self) -> list[Finding]:
        settings, source = self.settings, self.settings.compose
        found = []
        for inner in source.files:
            if not settings.path(inner).is_file():
                todo = f"Correct targets.{self.name}.compose.files."
                says = f"{settings.path(inner)} is not there."
                found.append(wrong(self.area, "Compose files", says, todo))
        if not source.files and not any((settings.directory / n).is_file() for n in DEFAULT_FILES):
            says = f"There is no compose.yaml or docker-compose.yml in {settings.directory}."
            todo = f"Correct targets.{self.name}.directory, or name them as compose.files there."
            found.append(wrong(self.area, "Compose files", says, todo))
        if source.env_file:
            path = settings.path(source.env_file)
            if not path.is_file():
                todo = f"Correct targets.{self.name}.compose.env_file."
                found.append(wrong(self.area, "Environment file", f"{path} is not there.", todo))
            elif not os.access(path, os.R_OK):
                says = f"{me()} may not read {path}."
                todo = (
                    f"Let {me()} read it, or run Opsbell as its owner: its secrets must be known."
                )
                found.append(wrong(self.area, "Environment file", says, todo))
        return found

    def _unknown_project(self, projects: Projects) -> Finding:
        directory = str(self.settings.directory)
        here = [
            project
            for project, each in projects.items()
            if any(one.directory == directory for one in each)
        ]
        correct = f"Correct targets.{self.name}.compose.project."
        if here:
            says = f"Docker has no project {self._project}; {join(here)} runs from {directory}."
            return wrong(self.area, "Compose project", says, correct)
        if meant := nearest(self._project, projects):
            says = f"Docker has no project {self._project}{meant}."
            return wrong(self.area, "Compose project", says, correct)
        says = f"The project {self._project} is not started."
        return wrong(self.area, "Compose project", says, self._start())

    def _service(
        self,
        there: Sequence[ServiceContainer],
        service: str,
        place: str,
    ) -> Finding | None:
        subject = f"Service {service}"
        own = [each for each in there if each.service == service]
        if not own:
            known = sorted({each.service for each in there})
            says = f"{self._project} has no such container{nearest(service, known)}."
            todo = f"Correct {place} (there are {join(known)}), or start it."
            return wrong(self.area, subject, says, todo)
        log = f"Look at its log: {self.command('logs', '--tail=50', service)}"
        if any(each.state == "restarting" for each in own):
            return wrong(self.area, subject, "It ends and is started again and again.", log)
        if not any(each.state == "running" for each in own):
            return wrong(self.area, subject, _not_running(own[0]), self._start(service))
        if any(each.unhealthy for each in own):
            return beware(self.area, subject, "It runs, but its own health check fails.", log)
        return None

    def _is_from(self, directories: set[str]) -> bool:
        """Whether one of the directories is the target's, links followed."""
        own = os.path.realpath(self.settings.directory)
        return any(os.path.realpath(each) == own for each in directories)

    def _start(self, *services: str) -> str:
        return f"Run in {self.settings.directory}: {self.command('up', '-d', *services)}"

    @property
    def _project(self) -> str:
        return self.settings.compose.project


def named_services(settings: Settings, name: str) -> dict[str, str]:
    """The services that the configuration names of a target, by the first place that does."""
    target = settings.targets[name]
    found: list[tuple[str | None, str]] = []
    if isinstance(target, ComposeTarget) and target.database:
        found.append((target.database.service, f"targets.{name}.database.service"))
    for key, files in target.files.items():
        found.append((files.service, f"targets.{name}.files.{key}.service"))
    if target.maintenance:
        found.append((target.maintenance.service, f"targets.{name}.maintenance.service"))
    for key, check in settings.checks.items():
        if getattr(check, "target", None) == name:
            found.append((getattr(check, "service", None), f"checks.{key}.service"))
    for key, runbook in settings.runbooks.items():
        if runbook.target == name:
            for step in runbook.steps:
                service = step.run.service if step.run else None
                found.append((service, f"runbooks.{key}.steps"))
    # The first place is the one to correct first, so it comes last and stays.
    return {service: place for service, place in reversed(found) if service}


def _not_running(container: ServiceContainer) -> str:
    status = _EXIT_STATUS.search(container.status)
    if container.state == "exited" and status:
        return f"It does not run: it ended with exit status {status[1]}."
    return f"It does not run ({container.state})."
