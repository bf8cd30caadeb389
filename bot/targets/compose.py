"""A target that Docker Compose runs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from docker.api.client import APIClient

from bot.config import targets as configured
from bot.errors import NotFound
from bot.targets.base import RunningTarget
from bot.targets.container import Container
from bot.targets.docker_logs import container_log, merged
from bot.targets.docker_process import docker_process
from bot.targets.engine import Engine
from bot.targets.labels import NUMBER, ONE_OFF, PROJECT, SERVICE
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
            await self._running(service),
            argv,
            environment=environment,
            stdin=stdin,
            errors=errors,
        ) as inside:
            yield inside

    async def _running(self, service: str) -> Container:
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
