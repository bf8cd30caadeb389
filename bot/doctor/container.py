"""Opsbell in a container of its own: what has to be the same inside as on the host."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bot.config.targets import ComposeTarget
from bot.doctor.files import read_only
from bot.doctor.model import Finding, unseen, well, wrong
from bot.doctor.patient import Patient
from bot.errors import OpsbellError
from bot.targets.inspection import Inspection, Mount, ServiceContainer
from bot.targets.own_container import Mounted, mounted_at, own_container

AREA = "Container"
_LAYER = "overlay"
_IN_MEMORY = ("tmpfs", "ramfs")


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Whether the projects lie at their own paths, and what is to stay is on a volume."""
    container = own_container()
    if container is None:
        return
    for finding in await asyncio.to_thread(_kept, patient):
        yield finding
    targets = patient.settings.targets
    projects = {n: each for n, each in targets.items() if isinstance(each, ComposeTarget)}
    if not projects:
        return
    async with Inspection() as docker:
        try:
            await docker.engine()
            mounts, running = await docker.mounts(container), await docker.projects()
        except OpsbellError:
            yield unseen(AREA, "Paths", "The Docker Engine cannot be asked.")
            return
    for name, settings in projects.items():
        containers = running.get(settings.compose.project, ())
        yield (
            _elsewhere(name, settings)
            if mounts is None
            else _path(name, settings, mounts, containers)
        )


def _kept(patient: Patient) -> list[Finding]:
    """What would be gone with the container."""
    places = {"data": patient.settings.data}
    for name, policy in patient.settings.backups.items():
        if policy.store.directory:
            places[f"backups.{name}.store.directory"] = policy.store.directory
    found = []
    for key, path in places.items():
        mounted = mounted_at(path)
        if not _lasts(mounted):
            says = f"{path} is inside the container and is lost with it."
            todo = f"Mount a directory of the host there, or set {key} to one that is mounted."
            found.append(wrong(AREA, key, says, todo))
    return found or [well(AREA, "Volumes", "What Opsbell keeps outlives its container.")]


def _lasts(mounted: Mounted) -> bool:
    in_layer = mounted.place == Path("/") or mounted.kind == _LAYER
    return not in_layer and mounted.kind not in _IN_MEMORY


def _path(
    name: str,
    settings: ComposeTarget,
    mounts: Sequence[Mount],
    containers: Sequence[ServiceContainer],
) -> Finding:
    """Compose resolves relative volumes to paths that the Engine then looks for on the host, so
    the project's directory has to bear one name inside and outside."""
    subject = f"Path of {name}"
    outside = next((each.directory for each in containers if each.directory), "")
    inside = str(settings.directory)
    host = _on_the_host(inside, mounts)
    project = outside or host or inside
    mount = f"Mount the project in Opsbell's compose.yaml at its own path: {project}:{project}"
    correct = f" and set targets.{name}.directory to it" if inside != project else ""
    if host is None:
        says = f"{inside} is not mounted from the host."
        return wrong(AREA, subject, says, f"{mount}{correct}.")
    if host != inside:
        says = f"{inside} is {host} on the host."
        return wrong(AREA, subject, says, f"{mount}{correct}.")
    if outside and os.path.normpath(outside) != os.path.normpath(inside):
        says = f"The project was started from {outside}, not from {inside}."
        return wrong(AREA, subject, says, f"{mount}{correct}.")
    return well(AREA, subject, f"{inside} is the same on the host{_to_read_alone(inside)}.")


def _to_read_alone(inside: str) -> str:
    """A choice, not a fault: backups and checks write nothing there."""
    if not read_only(Path(inside)):
        return ""
    return ", mounted to be read: Opsbell can neither deploy nor replace files there"


def _elsewhere(name: str, settings: ComposeTarget) -> Finding:
    """For an Engine that does not run Opsbell's own container: only what is here can be seen."""
    if settings.directory.exists():
        says = "The Engine runs on another machine, so paths are not compared."
        return unseen(AREA, f"Path of {name}", says)
    says = f"{settings.directory} is not in Opsbell's container."
    todo = "Mount a copy of the project there: Compose reads its files on Opsbell's side."
    return wrong(AREA, f"Path of {name}", says, todo)


def _on_the_host(inside: str, mounts: Sequence[Mount]) -> str | None:
    """Where a path of this container lies on the host; None where it is not of the host."""
    path = Path(inside)
    around = [each for each in mounts if path.is_relative_to(each.destination)]
    if not around:
        return None
    nearest = max(around, key=lambda each: len(Path(each.destination).parts))
    if nearest.kind != "bind":
        return None
    return str(Path(nearest.source) / path.relative_to(nearest.destination))
