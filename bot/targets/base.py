"""What targets of every runtime share."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

from bot.config import targets as configured
from bot.errors import NotFound
from bot.targets.environment import for_children
from bot.targets.host_process import host_process
from bot.targets.model import Completed, Process
from bot.targets.output import Capped
from bot.targets.redaction import LiveRedactor
from bot.targets.running import run_process

S = TypeVar("S", configured.ComposeTarget, configured.HostTarget)


class RunningTarget(ABC, Generic[S]):
    """See `bot.targets.model.Target`; a runtime adds where a service's processes start."""

    def __init__(self, name: str, settings: S, redactor: LiveRedactor) -> None:
        self.name = name
        self._settings: S = settings
        self._redactor = redactor

    def process(
        self,
        argv: Sequence[str],
        *,
        service: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bool = False,
    ) -> AbstractAsyncContextManager[Process]:
        """Starts a process in a service, or in the target's directory here."""
        return self._start(argv, service, environment or {}, stdin=stdin)

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: timedelta,
        service: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Completed:
        """Runs a process to its end; see `process`."""
        return await run_process(
            lambda errors: self._start(
                argv, service, environment or {}, stdin=bool(stdin), errors=errors
            ),
            program=argv[0],
            timeout=timeout,
            stdin=stdin,
        )

    def directory(self) -> Path:
        """The target's directory on this machine."""
        return self._settings.directory

    def redact(self, text: str) -> str:
        """A text of the target's without any secret."""
        return self._redactor.redact(text, whose=self.name)

    @abstractmethod
    def _start(
        self,
        argv: Sequence[str],
        service: str | None,
        environment: Mapping[str, str],
        *,
        stdin: bool,
        errors: Capped | None = None,
    ) -> AbstractAsyncContextManager[Process]:
        """Starts a process where the runtime has the service, or here without one."""

    def _start_here(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdin: bool,
        errors: Capped | None,
    ) -> AbstractAsyncContextManager[Process]:
        return host_process(
            argv,
            environment=for_children(os.environ) | dict(environment),
            directory=self._settings.directory,
            stdin=stdin,
            errors=errors,
        )

    def _no_database(self) -> NotFound:
        return NotFound(f"{self.name} has no database.", hint=f"Add targets.{self.name}.database.")
