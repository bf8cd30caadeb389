"""What a target offers, the same for a Compose project and for processes on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.targets.health import ContainerHealth


@dataclass(frozen=True)
class Completed:
    """A process that has ended. Output is text (`bot.targets.text`), cut in the middle above
    1 MiB."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class LogLine:
    """One line of a service's log; `at` is when it was written."""

    at: datetime
    text: str


@dataclass(frozen=True)
class DatabasePlace:
    """Where a target's PostgreSQL tools run and how they sign in.

    `service` is the Compose service whose container holds the tools, None for this machine.
    `environment` carries PGUSER, PGHOST, PGPASSWORD and the like: never arguments, which every
    user of a machine can read.
    """

    service: str | None
    name: str
    environment: Mapping[str, str]


class Process(Protocol):
    """A running process. Leaving its context before the end kills it, and proves it gone."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Standard output as it comes, in pieces of at most 1 MiB; ends when it is closed."""
        ...

    async def write(self, data: bytes) -> None:
        """Sends to standard input; only where the process was started with `stdin=True`."""
        ...

    async def end_input(self) -> None:
        """Closes standard input."""
        ...

    async def wait(self) -> int:
        """The exit status, once standard output was read to its end."""
        ...

    @property
    def error_tail(self) -> str:
        """The last 8 KiB of standard error so far."""
        ...


class Target(Protocol):
    """Something that is operated. Every method raises Unavailable where it cannot be reached,
    and NotFound for a service that does not exist or does not run."""

    name: str

    def process(
        self,
        argv: Sequence[str],
        *,
        service: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bool = False,
    ) -> AbstractAsyncContextManager[Process]:
        """Starts a process in a service's container, or on this machine (`service` None)."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: timedelta,
        service: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Completed:
        """Runs a process to its end. Raises Unavailable at the time limit, having ended it."""
        ...

    def logs(self, service: str, since: datetime) -> AsyncIterator[LogLine]:
        """A service's log lines from `since` on, oldest first."""
        ...

    def database(self) -> DatabasePlace:
        """Where the target's database tools run. Raises NotFound where none is configured."""
        ...

    def tool(self, name: str) -> str:
        """The program to start for a PostgreSQL tool such as `pg_dump` (a path on hosts)."""
        ...

    def directory(self) -> Path:
        """The target's directory on this machine."""
        ...

    def compose(self, *arguments: str) -> tuple[str, ...]:
        """Docker Compose for the target's project with these arguments, to be run on this machine.
        Raises Refused for a target that Compose does not run."""
        ...

    async def health(self, services: Sequence[str] = ()) -> Sequence[ContainerHealth]:
        """How the containers of these services are, of all of the project's where none is named;
        a service without a container is missing. Raises Refused for a target without containers."""
        ...

    async def end_marked(self, mark: str, *, service: str | None = None) -> None:
        """Ends what still runs and bears the mark (see `bot.targets.marked`), and proves it gone:
        in all running containers of a service, or on this machine. What is not there has ended."""
        ...

    def redact(self, text: str) -> str:
        """A text of the target's without any secret, its environment files' included, as they are
        now. Raises Unavailable where those cannot be read. Give whole lines."""
        ...
