"""The Compose projects that an Engine runs, described without their secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from docker.api.client import APIClient

from bot.errors import NotFound, Unavailable
from bot.targets.engine import Engine
from bot.targets.labels import DIRECTORY, FILES, ONE_OFF, PROJECT, SERVICE

ENVIRONMENT_FILES = "com.docker.compose.project.environment_file"

# The only variables that leave a container's environment: none of them is ever secret.
HARMLESS = frozenset(
    {
        "DJANGO_SETTINGS_MODULE",
        "PGDATA",
        "POSTGRESQL_DATABASE",
        "POSTGRESQL_USERNAME",
        "POSTGRES_DB",
        "POSTGRES_USER",
    }
)
_URL_PATH = re.compile(r"https?://[^/\s\"']+(/[^\s\"'?#]*)?")


@dataclass(frozen=True)
class Port:
    """A port of a container that is published on the host.

    `published` is None where the Engine chooses another one at each start. `address` is the
    host's address, "" for all of them.
    """

    inside: int
    published: int | None
    address: str


@dataclass(frozen=True)
class Mount:
    """A directory or file of the host (`kind` bind, `source` its path), or a volume."""

    kind: str
    source: str
    inside: PurePosixPath


@dataclass(frozen=True)
class Service:
    """One service. `image` is without registry and tag, `programs` what runs in it or would,
    `health_path` the path of the URL in its health check ("" without one)."""

    name: str
    image: str
    running: bool
    programs: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    health_path: str = ""


@dataclass(frozen=True)
class Project:
    """A Compose project: where it was started, from which files, with which environment files."""

    name: str
    directory: Path
    files: tuple[Path, ...]
    env_files: tuple[Path, ...]


async def find_projects(engine: Engine) -> dict[str, Project]:
    """The projects of which a container runs, by name. Raises Unavailable."""
    found = await engine.call(
        APIClient.containers, filters={"label": [PROJECT, f"{ONE_OFF}=False"]}
    )
    projects: dict[str, Project] = {}
    for labels in (each["Labels"] for each in found):
        # Compose of the first version left out what we have to know.
        if labels.get(DIRECTORY):
            projects.setdefault(labels[PROJECT], _project(labels))
    return dict(sorted(projects.items()))


async def project_of(engine: Engine, container: str) -> str:
    """The project that a container belongs to, "" where that is none. Raises Unavailable."""
    try:
        found = await engine.call(APIClient.inspect_container, container)
    except NotFound:
        return ""
    return str(found["Config"]["Labels"].get(PROJECT, ""))


async def services_of(engine: Engine, project: str) -> tuple[Service, ...]:
    """The services of a project that have a container, running or not. Raises Unavailable."""
    found = await engine.call(
        APIClient.containers,
        all=True,
        filters={"label": [f"{PROJECT}={project}", f"{ONE_OFF}=False"]},
    )
    services: dict[str, Service] = {}
    for listed in found:
        try:
            details = await engine.call(APIClient.inspect_container, listed["Id"])
            service = described(details, await _processes(engine, listed))
        except NotFound:
            continue  # gone meanwhile
        known = services.get(service.name)
        if known is None or (service.running and not known.running):
            services[service.name] = service
    return tuple(services[name] for name in sorted(services))


def described(details: Mapping[str, Any], processes: Iterable[str]) -> Service:
    """A service from what the Engine says of its container."""
    config, host = details["Config"], details["HostConfig"]
    command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    variables = (entry.partition("=") for entry in config.get("Env") or ())
    return Service(
        name=str(config["Labels"].get(SERVICE, "")),
        image=image_name(str(config.get("Image", ""))),
        running=details["State"]["Status"] == "running",
        programs=programs_in([*command, *processes]),
        environment={name: value for name, _, value in variables if name in HARMLESS},
        ports=_ports(host.get("PortBindings") or {}),
        mounts=tuple(
            Mount(
                str(mount["Type"]),
                str(mount.get("Name") if mount["Type"] == "volume" else mount.get("Source", "")),
                PurePosixPath(mount["Destination"]),
            )
            for mount in details.get("Mounts") or ()
        ),
        health_path=health_path((config.get("Healthcheck") or {}).get("Test") or ()),
    )


def image_name(reference: str) -> str:
    """The last part of an image's name: `postgres` for `registry.example:5000/own/postgres:17`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def programs_in(words: Iterable[str]) -> frozenset[str]:
    """The names of what may be programs among words, without their paths."""
    return frozenset(PurePosixPath(word.rstrip(":")).name for word in words if word)


def health_path(test: Sequence[str] | str) -> str:
    """The path of the URL that a health check asks for, without a query; "" without a URL."""
    found = _URL_PATH.search(test if isinstance(test, str) else " ".join(map(str, test)))
    return (found[1] or "/") if found else ""


def _project(labels: Mapping[str, str]) -> Project:
    files, env_files = (
        tuple(Path(each) for each in labels.get(name, "").split(",") if each)
        for name in (FILES, ENVIRONMENT_FILES)
    )
    return Project(labels[PROJECT], Path(labels[DIRECTORY]), files, env_files)


def _ports(bindings: Mapping[str, Any]) -> tuple[Port, ...]:
    found = []
    for inside, places in bindings.items():
        number, _, protocol = inside.partition("/")
        if protocol != "tcp":
            continue
        for place in places or ():
            published = str(place.get("HostPort") or "")
            fixed = int(published) if published.isdigit() and int(published) else None
            found.append(Port(int(number), fixed, any_as_none(str(place.get("HostIp") or ""))))
    return tuple(found)


def any_as_none(address: str) -> str:
    """An address of the host, "" where it stands for all of them."""
    return "" if address in ("0.0.0.0", "::") else address  # noqa: S104 - read, not listened on


async def _processes(engine: Engine, listed: Mapping[str, Any]) -> list[str]:
    """The first word of each process's command line; nothing where the Engine does not say."""
    if listed["State"] != "running":
        return []
    try:
        found = await engine.call(APIClient.top, listed["Id"])
    except (NotFound, Unavailable):
        return []
    rows = found.get("Processes") or ()
    return [word for row in rows for word in row[-1].split()[:3]]
