"""A target whose processes run on this machine."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from bot.config import targets as configured
from bot.errors import NotFound, Refused
from bot.targets.base import RunningTarget
from bot.targets.environment import for_children, from_database_url
from bot.targets.file_logs import read_log
from bot.targets.health import ContainerHealth
from bot.targets.marked import end_marked_here
from bot.targets.model import DatabasePlace, LogLine, Process
from bot.targets.output import Capped
from bot.targets.postgres_tools import Tools, find_tools
from bot.targets.redaction import LiveRedactor
from bot.words import join


class HostTarget(RunningTarget[configured.HostTarget]):
    """See `bot.targets.model.Target`. Its services are names for processes of this machine: what
    is run in one runs here, in the target's directory."""

    def __init__(self, name: str, settings: configured.HostTarget, redactor: LiveRedactor) -> None:
        super().__init__(name, settings, redactor)
        self._tools: Tools | None = None

    async def open(self) -> None:
        """Finds the PostgreSQL tools that fit the target's server, where it has a database."""
        if self._settings.database:
            url = self._settings.database.url.reveal()
            try:
                self._tools = await find_tools(url, for_children(os.environ))
            except NotFound:
                self._tools = None  # said by `tool`, where it matters

    async def logs(self, service: str, since: datetime) -> AsyncIterator[LogLine]:
        """The lines of the service's log file; see `bot.targets.file_logs`."""
        path = self._service(service).logs
        if path is None:
            raise NotFound(
                f"The service {service} of {self.name} has no log.",
                hint=f"Name its file as targets.{self.name}.services.{service}.logs.",
            )
        async for line in read_log(self._settings.path(path), since):
            yield line

    def database(self) -> DatabasePlace:
        """This machine, with the sign-in of the configured URL."""
        if self._settings.database is None:
            raise self._no_database()
        environment = from_database_url(self._settings.database.url.reveal())
        name = environment.get("PGDATABASE") or environment.get("PGUSER", "")
        return DatabasePlace(None, name, environment)

    def tool(self, name: str) -> str:
        """The path of a PostgreSQL tool. Raises NotFound where this machine has none."""
        path = self._tools.directory / name if self._tools else None
        if path is None or not path.exists():
            raise NotFound(
                f"PostgreSQL's {name} is not installed on this machine.",
                hint="Install PostgreSQL's client package and start Opsbell again.",
            )
        return str(path)

    def compose(self, *arguments: str) -> tuple[str, ...]:
        """Refused: nothing of it is run by Compose."""
        raise self._no_containers()

    async def health(self, services: Sequence[str] = ()) -> Sequence[ContainerHealth]:
        """Refused: there are no containers."""
        raise self._no_containers()

    async def end_marked(self, mark: str, *, service: str | None = None) -> None:
        """Ends what is marked on this machine, where its services run too."""
        await end_marked_here(mark)

    def _no_containers(self) -> Refused:
        return Refused(f"{self.name} runs on this machine, not in containers.")

    def _start(
        self,
        argv: Sequence[str],
        service: str | None,
        environment: Mapping[str, str],
        *,
        stdin: bool,
        errors: Capped | None = None,
    ) -> AbstractAsyncContextManager[Process]:
        if service is not None:
            self._service(service)
        return self._start_here(argv, environment, stdin=stdin, errors=errors)

    def _service(self, name: str) -> configured.HostService:
        services = self._settings.services
        if name not in services:
            known = f"It has {join(sorted(services))}." if services else "It has none."
            raise NotFound(f"{self.name} has no service called {name}.", hint=known)
        return services[name]
