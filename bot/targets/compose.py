"""A target that Docker Compose runs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from docker.api.client import APIClient

from bot.config import targets as configured
from bot.errors import NotFound, OpsbellError
from bot.targets.base import RunningTarget
from bot.targets.compose_command import compose_command
from bot.targets.container import Container
from bot.targets.docker_logs import container_log, merged
from bot.targets.docker_process import docker_process
from bot.targets.engine import Engine
from bot.targets.health import ContainerHealth, ending_services, health_of, missing
from bot.targets.labels import NUMBER, ONE_OFF, PROJECT, SERVICE
from bot.targets.marked import end_marked_here, end_marked_in
from bot.targets.model import DatabasePlace, LogLine, Process
from bot.targets.output import Capped
from bot.targets.redaction import LiveRedactor
from bot.words import join


class ComposeTarget(RunningTarget[configured.ComposeTarget]):
    """See `bot.targets.model.Target`. A process in a service with several containers runs in the
    first of them that runs."""

    def __init__(
        self,
        name: str,
        settings: configured.ComposeTarget,
        redactor: LiveRedactor,
        engine: Engine,
    ) -> None:
        super().__init__(name, settings, redactor)
        self._engine = engine

    async def logs(self, service: str, since: datetime) -> AsyncIterator[LogLine]:
        """The logs of all containers of the service as one, also of those that are stopped."""
        found = await self._containers(service)
        logs = [container_log(self._engine, str(each["Id"]), since) for each in found]
        async for line in merged(logs):
            yield line

    def database(self) -> DatabasePlace:
        """The container of the database's service, whose tools have the server's version."""
        database = self._settings.database
        if database is None:
            raise self._no_database()
        environment = {"PGUSER": database.user, "PGDATABASE": database.name}
        if database.password:
            environment["PGPASSWORD"] = database.password.reveal()
        return DatabasePlace(database.service, database.name, environment)

    def tool(self, name: str) -> str:
        """The name itself: the container of the database has it on its PATH."""
        return name

    def compose(self, *arguments: str) -> tuple[str, ...]:
        """Compose's own command for the project, with plain output."""
        program, plugin, *project = compose_command(self._settings)
        return (program, plugin, "--ansi", "never", "--progress", "plain", *project, *arguments)

    async def health(self, services: Sequence[str] = ()) -> Sequence[ContainerHealth]:
        """The health of each container; see `bot.targets.health`."""
        there = await self._labelled(f"{PROJECT}={self._project}")
        ending = ending_services(each["Labels"] for each in there)
        found: list[ContainerHealth] = []
        for container in there:
            service = str(container["Labels"].get(SERVICE, ""))
            if not services or service in services:
                # One that is gone by now has been replaced: the next look will show it.
                with suppress(NotFound):
                    inspect = APIClient.inspect_container
                    details = await self._engine.call(inspect, container["Id"])
                    found.append(health_of(service, details, ends=service in ending))
        lacking = {*services} - {each.service for each in found}
        return sorted([*found, *map(missing, lacking)], key=lambda each: (each.service, each.begun))

    async def end_marked(self, mark: str, *, service: str | None = None) -> None:
        """Looks into every running container of the service: another may be the first by now."""
        if service is None:
            await end_marked_here(mark)
            return
        for container in await self._labelled(f"{PROJECT}={self._project}"):
            if container["Labels"].get(SERVICE) == service and container["State"] == "running":
                inside = Container(self._engine, str(container["Id"]), service)
                try:
                    await end_marked_in(inside, mark)
                except OpsbellError:
                    # What ran in a container has ended with it.
                    if await inside.still_runs():
                        raise

    @asynccontextmanager
    async def _start(
        self,
        argv: Sequence[str],
        service: str | None,
        environment: Mapping[str, str],
        *,
        stdin: bool,
        errors: Capped | None = None,
    ) -> AsyncIterator[Process]:
        if service is None:
            async with self._start_here(argv, environment, stdin=stdin, errors=errors) as process:
                yield process
            return
        async with docker_process(
            await self.running(service),
            argv,
            environment=environment,
            stdin=stdin,
            errors=errors,
        ) as inside:
            yield inside

    async def running(self, service: str) -> Container:
        """The running container of a service, the one with the lowest number."""
        found = await self._containers(service)
        for container in found:
            if container["State"] == "running":
                return Container(self._engine, str(container["Id"]), service)
        raise NotFound(
            f"The service {service} of {self.name} does not run ({found[0]['State']}).",
            hint=f"Start it with docker compose -p {self._project} up -d {service}.",
        )

    async def _containers(self, service: str) -> list[dict[str, Any]]:
        """The containers of a service, running or not; NotFound where there is none."""
        there = await self._labelled(f"{PROJECT}={self._project}")
        if not there:
            others = sorted({each["Labels"][PROJECT] for each in await self._labelled(PROJECT)})
            raise NotFound(
                f"The Compose project {self._project} of {self.name} does not run.",
                hint=f"Start it with docker compose up -d in {self._settings.directory}. "
                + (f"Docker has {join(others)}." if others else "Docker has no project."),
            )
        found = [each for each in there if each["Labels"].get(SERVICE) == service]
        if not found:
            names = sorted({each["Labels"].get(SERVICE, "") for each in there})
            raise NotFound(
                f"{self.name} has no service called {service}.", hint=f"It has {join(names)}."
            )
        return sorted(found, key=lambda each: int(each["Labels"].get(NUMBER, "0")))

    async def _labelled(self, label: str) -> list[dict[str, Any]]:
        """All containers with a label, but for those of `docker compose run`."""
        found: list[dict[str, Any]] = await self._engine.call(
            APIClient.containers, all=True, filters={"label": [label, f"{ONE_OFF}=False"]}
        )
        return found

    @property
    def _project(self) -> str:
        return self._settings.compose.project
