"""A target whose processes run on this machine."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path

from bot.config import targets as configured
from bot.errors import NotFound
from bot.targets.environment import for_children, from_database_url
from bot.targets.file_logs import read_log
from bot.targets.host_process import host_process
from bot.targets.model import Completed, DatabasePlace, LogLine, Process
from bot.targets.output import Capped
from bot.targets.postgres_tools import Tools, find_tools
from bot.targets.running import run_process
from bot.targets.secrets import target_secrets
from bot.words import join


class HostTarget:
    """See `bot.targets.model.Target`. Its services are names for processes of this machine: what
    is run in one runs here, in the target's directory."""

    def __init__(self, name: str, settings: configured.HostTarget) -> None:
        self.name = name
        self._settings = settings
        self._tools: Tools | None = None

    async def open(self) -> None:
        """Finds the PostgreSQL tools that fit the target's server, where it has a database."""
        if self._settings.database:
            url = self._settings.database.url.reveal()
            try:
                self._tools = await find_tools(url, for_children(os.environ))
            except NotFound:
                self._tools = None  # said by `tool`, where it matters

    def process(
        self,
        argv: Sequence[str],
        *,
        service: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bool = False,
    ) -> AbstractAsyncContextManager[Process]:
        """Starts a process in the target's directory."""
        return self._start(argv, service, environment, stdin=stdin)

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: timedelta,
        service: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Completed:
        """Runs a process in the target's directory to its end."""
        return await run_process(
            lambda errors: self._start(
                argv, service, environment, stdin=bool(stdin), errors=errors
            ),
            program=argv[0],
            timeout=timeout,
            stdin=stdin,
        )

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
            raise NotFound(
                f"{self.name} has no database.", hint=f"Add targets.{self.name}.database."
            )
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

    def directory(self) -> Path:
        """The target's directory on this machine."""
        return self._settings.directory

    def secrets(self) -> frozenset[str]:
        """Values that must never be shown."""
        return target_secrets(self._settings)

    def _start(
        self,
        argv: Sequence[str],
        service: str | None,
        environment: Mapping[str, str] | None,
        *,
        stdin: bool,
        errors: Capped | None = None,
    ) -> AbstractAsyncContextManager[Process]:
        if service is not None:
            self._service(service)
        return host_process(
            argv,
            environment=for_children(os.environ) | dict(environment or {}),
            directory=self._settings.directory,
            stdin=stdin,
            errors=errors,
        )

    def _service(self, name: str) -> configured.HostService:
        services = self._settings.services
        if name not in services:
            known = f"It has {join(sorted(services))}." if services else "It has none."
            raise NotFound(f"{self.name} has no service called {name}.", hint=known)
        return services[name]
