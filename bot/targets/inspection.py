"""What the Docker Engine knows of itself, of Compose's projects and of Opsbell's own container.

Only looks: nothing here starts, stops or makes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from docker.api.client import APIClient

from bot.errors import NotFound, Unavailable
from bot.targets.engine import Engine
from bot.targets.engine_reach import reach
from bot.targets.labels import DIRECTORY, FILES, NUMBER, ONE_OFF, PROJECT, SERVICE

_NO_CONTAINER = "0" * 64
"""No container's or exec's ID: what is asked of it is refused as unknown, or not allowed."""


@dataclass(frozen=True)
class EngineFacts:
    """The Engine at `address`; `api` is the newest version of its API."""

    address: str
    version: str
    api: tuple[int, ...]
    rootless: bool


@dataclass(frozen=True)
class ServiceContainer:
    """A container of a Compose project, as Compose's labels and the Engine tell of it.

    `state` is the Engine's word (running, exited, restarting, …), `status` its line for people
    ("Up 2 minutes (unhealthy)"), `directory` and `files` what the project was started from, and
    `ports` the container's ports by those published on the host.
    """

    id: str
    project: str
    service: str
    number: int
    state: str
    status: str
    directory: str
    files: tuple[str, ...]
    ports: Mapping[int, int]
    networks: tuple[str, ...]

    @property
    def unhealthy(self) -> bool:
        """Whether its own health check fails."""
        return "(unhealthy)" in self.status


@dataclass(frozen=True)
class Mount:
    """A directory of the host, or a volume, in a container."""

    kind: str
    source: str
    destination: str


class Inspection:
    """One Engine, looked at; an async context manager. Methods raise Unavailable."""

    def __init__(self) -> None:
        self._engine = Engine()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._engine.close()

    async def engine(self) -> EngineFacts:
        """The Engine itself. Raises Unavailable with the exact cause where it is not reached."""
        address = await self._engine.address()
        await reach(address)
        found = await self._engine.call(APIClient.version)
        try:
            about = await self._engine.call(APIClient.info)
        except Unavailable:
            about = {}  # a socket proxy may keep this to itself
        return EngineFacts(
            address=address,
            version=str(found.get("Version", "")),
            api=tuple(int(part) for part in str(found.get("ApiVersion", "0")).split(".")),
            rootless="name=rootless" in (about.get("SecurityOptions") or ()),
        )

    async def refused(self) -> list[str]:
        """What is kept from Opsbell that it needs, as a socket proxy may: in its own words."""
        kept = []
        for what, call in (
            ("the list of containers", self._engine.call(APIClient.containers)),
            ("a container's log", self._engine.call(APIClient.logs, _NO_CONTAINER)),
            (
                "processes in containers",
                self._engine.call(APIClient.exec_create, _NO_CONTAINER, "true"),
            ),
            ("processes in containers", self._engine.exec_stream(_NO_CONTAINER, stdin=False)),
        ):
            try:
                await call
            except NotFound:
                continue
            except Unavailable as error:
                if error.retryable:
                    raise
                kept.append(what)
        return list(dict.fromkeys(kept))

    async def projects(self) -> dict[str, list[ServiceContainer]]:
        """All containers of Compose by their project, each service's in order; stopped ones too."""
        found = await self._engine.call(
            APIClient.containers, all=True, filters={"label": [PROJECT, f"{ONE_OFF}=False"]}
        )
        projects: dict[str, list[ServiceContainer]] = {}
        for each in sorted(map(_container, found), key=lambda one: (one.service, one.number)):
            projects.setdefault(each.project, []).append(each)
        return projects

    async def environment(self, container: str, names: Iterable[str]) -> dict[str, str]:
        """These variables of a container, as far as they are set; ask for no secrets."""
        found = await self._engine.call(APIClient.inspect_container, container)
        pairs = (entry.partition("=") for entry in found["Config"].get("Env") or ())
        wanted = set(names)
        return {name: value for name, _, value in pairs if name in wanted}

    async def mounts(self, container: str) -> list[Mount] | None:
        """What is mounted in a container; None where the Engine does not know it."""
        try:
            found = await self._engine.call(APIClient.inspect_container, container)
        except NotFound:
            return None
        return [
            Mount(str(m.get("Type")), str(m.get("Source", "")), str(m["Destination"]))
            for m in found["Mounts"]
        ]


def _container(found: Mapping[str, Any]) -> ServiceContainer:
    labels = found["Labels"]
    number = labels.get(NUMBER, "")
    return ServiceContainer(
        id=str(found["Id"]),
        project=labels[PROJECT],
        service=labels.get(SERVICE, ""),
        number=int(number) if number.isdigit() else 0,
        state=str(found["State"]),
        status=str(found["Status"]),
        directory=labels.get(DIRECTORY, ""),
        files=tuple(filter(None, labels.get(FILES, "").split(","))),
        ports={
            int(port["PublicPort"]): int(port["PrivatePort"])
            for port in found.get("Ports") or ()
            if port.get("PublicPort")
        },
        networks=tuple(found.get("NetworkSettings", {}).get("Networks") or ()),
    )
