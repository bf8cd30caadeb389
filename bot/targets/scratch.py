"""A PostgreSQL like a Compose target's own, empty and alone: to try a backup on.

It runs production's own image, so that its version, extensions and locales are there. The image's
start script is left aside: it would want the password and might fill databases. The server has no
network and no port, gives way to everything else on the machine, and keeps its data in a volume of
its own at /tmp, the one place where every image lets every user write. It is known by a label, not
by a process's memory, so that whoever comes next can remove it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from docker.api.client import APIClient

from bot.config import targets as configured
from bot.errors import Failed, NotFound, OpsbellError, Refused, Unavailable
from bot.targets.base import RunningTarget
from bot.targets.compose import ComposeTarget
from bot.targets.container import Container
from bot.targets.docker_process import docker_process
from bot.targets.engine import Engine
from bot.targets.health import ContainerHealth
from bot.targets.labels import PREFIX
from bot.targets.marked import end_marked_in
from bot.targets.model import DatabasePlace, LogLine, Process
from bot.targets.output import Capped
from bot.targets.redaction import LiveRedactor
from bot.targets.scratch_setup import DIRECTORY, RUN, WHO, ScratchSettings, configuration
from bot.targets.text import text_of

LABEL = "opsbell.scratch"
"""The label of a scratch server; its value is the project and the target it was made for, and the
Opsbell that made it."""

SERVICE = "scratch"
"""What its container is called where a service's name is expected."""

_MEMORY = 1 << 30
_SHARED_MEMORY = 256 << 20
_PROCESSES = 256
_LITTLE = 256
"""CPU shares: of a busy machine it gets a quarter of what others do, of an idle one everything."""

_START_LIMIT = 600.0
_REMOVE_LIMIT = 180.0
_LOOK_EVERY = 0.3
_QUICK = timedelta(seconds=30)


class ScratchServer(RunningTarget[configured.ComposeTarget]):
    """The scratch server of a target, as a target: what is run in its service runs there.

    `owner` is this Opsbell's own name: another one on the machine may have the same target, and a
    server of its own that is in use.
    """

    def __init__(
        self,
        original: ComposeTarget,
        settings: configured.ComposeTarget,
        redactor: LiveRedactor,
        engine: Engine,
        owner: str,
    ) -> None:
        super().__init__(original.name, settings, redactor)
        self._original = original
        self._engine = engine
        self._owner = owner

    async def image(self) -> tuple[str, str]:
        """The ID and the name of the image that production's database runs now. Raises NotFound
        where it does not run."""
        container = await self._original.running(self._service)
        found = await self._engine.call(APIClient.inspect_container, container.id)
        return str(found["Image"]), str(found["Config"].get("Image", ""))

    async def start(self, settings: ScratchSettings, image: str) -> None:
        """Starts an empty server, once whatever is left of another one is gone.

        Raises Failed where it does not come up, having said why.
        """
        await self.remove()
        user = await self._user()
        created = await self._engine.call(
            APIClient.create_container,
            image,
            name=f"opsbell-scratch-{self.name}-{secrets.token_hex(3)}",
            entrypoint=["sh", "-c", RUN, "sh"],
            command=[f"--username={settings.superuser}", *settings.options],
            user=user,
            environment={
                "MAJOR": str(settings.major),
                "SETTINGS": configuration(settings.configuration),
            },
            labels={LABEL: self._mark} | await self._hidden_labels(image),
            volumes=[DIRECTORY],
            healthcheck={"test": ["NONE"]},
            host_config=await self._host_config(),
        )
        await self._engine.call(APIClient.start, created["Id"])
        await self._wait_until_ready(settings.superuser)

    async def remove(self) -> None:
        """Removes the server with all its data, running or not, and looks until it is gone.

        Raises Unavailable where the Engine does not answer or does not get it done.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + _REMOVE_LIMIT
        while found := await self._containers():
            for each in found:
                # Slow, or under way already: what counts is that it is gone.
                with suppress(NotFound, Unavailable):
                    remove = APIClient.remove_container
                    await self._engine.call(remove, each["Id"], v=True, force=True)
            if clock() > deadline:
                name = str(found[0]["Id"])[:12]
                raise Unavailable(
                    f"The scratch container {name} could not be removed.",
                    hint=f"Remove it with docker rm --force --volumes {name}.",
                )
            await asyncio.sleep(_LOOK_EVERY)

    async def free(self) -> int:
        """The bytes that its data may still take."""
        done = await self.run(["df", "-P", "-k", DIRECTORY], timeout=_QUICK, service=SERVICE)
        fields = done.stdout.strip().rpartition("\n")[2].split()
        if done.status or len(fields) < 4 or not fields[3].isdigit():
            raise Unavailable("How much room the scratch server has is not known.")
        return int(fields[3]) * 1024

    async def ended(self) -> str:
        """How the server's container ended, "" while it runs."""
        found = await self._containers()
        if not found:
            return "it was removed"
        details = await self._engine.call(APIClient.inspect_container, found[0]["Id"])
        state = details["State"]
        if state["Running"]:
            return ""
        return "it ran out of memory" if state.get("OOMKilled") else "it stopped"

    def place(self, superuser: str, database: str) -> DatabasePlace:
        """Where its tools run and how they sign in to one of its databases."""
        environment = {
            "PGHOST": DIRECTORY,
            "PGPORT": "5432",
            "PGUSER": superuser,
            "PGDATABASE": database,
        }
        return DatabasePlace(SERVICE, database, environment)

    def database(self) -> DatabasePlace:
        """Refused: what it is signed in to as is said by `place`."""
        raise self._no_project()

    def tool(self, name: str) -> str:
        """The name itself, as in production's container."""
        return self._original.tool(name)

    def logs(self, service: str, since: datetime) -> AsyncIterator[LogLine]:
        """Refused: it is no service of the project."""
        raise self._no_project()

    def compose(self, *arguments: str) -> tuple[str, ...]:
        """Refused: it is no service of the project."""
        raise self._no_project()

    async def health(self, services: Sequence[str] = ()) -> Sequence[ContainerHealth]:
        """Refused: it is no service of the project."""
        raise self._no_project()

    async def end_marked(self, mark: str, *, service: str | None = None) -> None:
        """Ends what is marked in the server's container."""
        for each in await self._containers():
            if each["State"] == "running":
                await end_marked_in(Container(self._engine, str(each["Id"]), SERVICE), mark)

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
        found = [each for each in await self._containers() if each["State"] == "running"]
        if not found:
            raise NotFound(f"The scratch server of {self.name} does not run.")
        async with docker_process(
            Container(self._engine, str(found[0]["Id"]), SERVICE),
            argv,
            environment=environment,
            stdin=stdin,
            errors=errors,
        ) as inside:
            yield inside

    @property
    def _service(self) -> str:
        service = self._original.database().service
        if service is None:
            raise ValueError(f"the database of {self.name} is in no service")
        return service

    @property
    def _mark(self) -> str:
        return f"{self._settings.compose.project}/{self.name} {self._owner}"

    async def _containers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._engine.call(
            APIClient.containers, all=True, filters={"label": [f"{LABEL}={self._mark}"]}
        )
        return found

    async def _user(self) -> str:
        """Who production's server runs as, by numbers: root may not start one."""
        done = await self._original.run(["sh", "-c", WHO], timeout=_QUICK, service=self._service)
        if done.status or not re.fullmatch(r"\d+:\d+\n?", done.stdout):
            raise Failed(f"Which user the server in {self._service} runs as cannot be seen.")
        return done.stdout.strip()

    async def _hidden_labels(self, image: str) -> dict[str, str]:
        """Compose marks the images that it builds as it marks containers, and a container has its
        image's labels: without this Compose would take the server for a part of the project."""
        found = await self._engine.call(APIClient.inspect_image, image)
        labels = found["Config"].get("Labels") or {}
        return {name: "" for name in labels if name.startswith(PREFIX)}

    async def _host_config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = await self._engine.call(
            APIClient.create_host_config,
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit=_MEMORY + _SHARED_MEMORY,
            shm_size=_SHARED_MEMORY,
            pids_limit=_PROCESSES,
            cpu_shares=_LITTLE,
            # Should memory run out on the machine, this goes first.
            oom_score_adj=1000,
            restart_policy={"Name": "no"},
        )
        return config

    async def _wait_until_ready(self, superuser: str) -> None:
        place = self.place(superuser, "postgres")
        clock = asyncio.get_running_loop().time
        deadline = clock() + _START_LIMIT
        while True:
            if why := await self.ended():
                said = await self._log()
                last = said.rpartition("\n")[2]
                raise Failed(f"The scratch server did not start: {last or why}.", output=said)
            with suppress(OpsbellError):
                argv = [self.tool("psql"), "--no-psqlrc", "--command=select"]
                done = await self.run(
                    argv, timeout=_QUICK, service=SERVICE, environment=place.environment
                )
                if done.status == 0:
                    return
            if clock() > deadline:
                raise Failed(
                    f"The scratch server did not start within {_START_LIMIT:.0f} s.",
                    output=await self._log(),
                )
            await asyncio.sleep(_LOOK_EVERY)

    async def _log(self) -> str:
        """The last lines that the server's container has written."""
        for each in await self._containers():
            said = await self._engine.call(_last_lines, str(each["Id"]))
            return self.redact(text_of(said)).strip()
        return ""

    def _no_project(self) -> Refused:
        return Refused(f"The scratch server of {self.name} is no part of its Compose project.")


def _last_lines(api: APIClient, container: str) -> bytes:
    return api.logs(container, tail=10)
