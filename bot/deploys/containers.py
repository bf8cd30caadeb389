"""The containers and images of a Compose project, asked of docker's own program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.backups.processes import failure
from bot.errors import Failed
from bot.targets.labels import ONE_OFF, PREFIX, PROJECT, SERVICE
from bot.targets.model import Target

_QUICK = timedelta(seconds=60)
_CONFIG_HASH = f"{PREFIX}config-hash"


@dataclass(frozen=True)
class ServiceContainer:
    """A container of a service: the image that it was made from, by ID and by name, and Compose's
    hash of its configuration."""

    id: str
    service: str
    image: str
    reference: str
    config_hash: str
    running: bool


async def containers(
    target: Target, project: str, services: Sequence[str] = ()
) -> list[ServiceContainer]:
    """The containers of these services (of all where none is named), running or not."""
    label = f"label={PROJECT}={project}"
    single = f"label={ONE_OFF}=False"
    listed = await docker(target, "ps", "--all", "--quiet", "--filter", label, "--filter", single)
    if not listed:
        return []
    found = []
    # One that is gone by now is no longer one of the project's.
    for each in await _inspected(target, "container", listed.split()):
        labels = each["Config"]["Labels"]
        if not services or labels[SERVICE] in services:
            found.append(
                ServiceContainer(
                    each["Id"],
                    labels[SERVICE],
                    each["Image"],
                    each["Config"]["Image"],
                    labels.get(_CONFIG_HASH, ""),
                    each["State"]["Status"] == "running",
                )
            )
    return found


async def image_id(target: Target, reference: str) -> str | None:
    """The image that a name stands for, None for none."""
    found = await _inspected(target, "image", [reference])
    return str(found[0]["Id"]) if found else None


async def configuration(target: Target, *options: str) -> Mapping[str, Any]:
    """What Compose makes of the project's files as they are now. It holds secrets."""
    done = await target.run(target.compose("config", "--format", "json", *options), timeout=_QUICK)
    if done.status:
        raise failure(target, "docker compose config", done.status, done.stderr)
    return dict(json.loads(done.stdout))


async def docker(target: Target, *arguments: str, timeout: timedelta = _QUICK) -> str:
    """What docker's own program says. Raises Failed."""
    done = await target.run(("docker", *arguments), timeout=timeout)
    if done.status:
        raise failure(target, f"docker {arguments[0]}", done.status, done.stderr)
    return done.stdout.strip()


async def _inspected(target: Target, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What there is of these; what is not there is left out."""
    done = await target.run(("docker", kind, "inspect", *names), timeout=_QUICK)
    if done.status and "no such" not in done.stderr.lower():
        raise failure(target, f"docker {kind} inspect", done.status, done.stderr)
    try:
        return list(json.loads(done.stdout or "[]"))
    except ValueError:
        raise Failed(f"docker {kind} inspect said more than can be read.") from None
