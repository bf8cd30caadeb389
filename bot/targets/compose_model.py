"""A Compose project as its files describe it, for those that do not run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from bot.errors import NotFound, Unavailable
from bot.targets.environment import for_children
from bot.targets.host_process import host_process
from bot.targets.projects import (
    HARMLESS,
    Mount,
    Port,
    Project,
    Service,
    any_as_none,
    health_path,
    image_name,
    programs_in,
)
from bot.targets.running import run_process

LIMIT = timedelta(seconds=20)


@dataclass(frozen=True)
class ComposeModel:
    """The services of a project, and the environment files that they are given."""

    services: tuple[Service, ...]
    env_files: tuple[Path, ...]


async def read_model(project: Project) -> ComposeModel:
    """What `docker compose config` makes of a project's files. Raises Unavailable.

    Compose is asked twice: filled in for the values, and as written for the files' names, which
    it leaves out where it has filled in what they hold.
    """
    filled = await _config(project)
    written = await _config(project, "--no-interpolate")
    names = (
        Path(entry["path"] if isinstance(entry, dict) else entry)
        for service in written.values()
        for entry in service.get("env_file") or ()
    )
    files = dict.fromkeys(project.directory / name for name in names)
    return ComposeModel(tuple(_service(name, filled[name]) for name in sorted(filled)), (*files,))


async def _config(project: Project, *options: str) -> Mapping[str, Any]:
    argv = ["docker", "compose", "--project-name", project.name]
    argv += [part for file in project.files for part in ("--file", str(file))]
    argv += [part for file in project.env_files for part in ("--env-file", str(file))]
    try:
        done = await run_process(
            lambda errors: host_process(
                [*argv, "config", "--format", "json", *options],
                environment=for_children(os.environ),
                directory=project.directory,
                errors=errors,
            ),
            program="docker compose",
            timeout=LIMIT,
        )
    except NotFound as error:
        raise Unavailable(error.message, hint=error.hint, retryable=False) from error
    if done.status:
        # What Compose complains of may quote the file, and a secret with it.
        raise Unavailable(
            f"Docker Compose cannot read the project in {project.directory}.",
            hint="Run docker compose config --quiet there to see why.",
            retryable=False,
        )
    services: Mapping[str, Any] = json.loads(done.stdout).get("services") or {}
    return services


def _service(name: str, model: Mapping[str, Any]) -> Service:
    environment: Mapping[str, Any] = model.get("environment") or {}
    words = [*_words(model.get("entrypoint")), *_words(model.get("command"))]
    return Service(
        name=name,
        image=image_name(str(model.get("image") or "")),
        running=False,
        programs=programs_in(words),
        environment={k: str(v) for k, v in environment.items() if k in HARMLESS and v is not None},
        ports=tuple(
            _port(port) for port in model.get("ports") or () if port.get("protocol") == "tcp"
        ),
        mounts=tuple(
            Mount(
                str(volume.get("type")),
                str(volume.get("source") or ""),
                PurePosixPath(volume["target"]),
            )
            for volume in model.get("volumes") or ()
        ),
        health_path=health_path((model.get("healthcheck") or {}).get("test") or ()),
    )


def _words(command: object) -> list[str]:
    if isinstance(command, list):
        return [str(word) for word in command]
    return str(command).split() if command else []


def _port(port: Mapping[str, Any]) -> Port:
    published = str(port.get("published") or "")
    fixed = int(published) if published.isdigit() and int(published) else None
    return Port(int(port["target"]), fixed, any_as_none(str(port.get("host_ip") or "")))
