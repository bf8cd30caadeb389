"""The Docker Engine and Docker Compose, where a target is run by them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.config.targets import ComposeTarget
from bot.doctor.model import Finding, well, wrong
from bot.doctor.patient import Patient
from bot.errors import OpsbellError
from bot.targets.compose_command import compose_version
from bot.targets.inspection import EngineFacts, Inspection
from bot.words import join

AREA = "Docker"
OLDEST_API = (1, 41)
"""The API of Docker 20.10."""
_NEEDED = "GET /containers, POST /containers/ID/exec and POST /exec/ID/start"


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Whether the Engine answers, lets Opsbell do what it needs, and whether Compose is there."""
    if not any(isinstance(each, ComposeTarget) for each in patient.settings.targets.values()):
        return
    async with Inspection() as docker:
        for finding in await _engine(docker):
            yield finding
    try:
        yield well(AREA, "Compose", f"Docker Compose {await compose_version()}.")
    except OpsbellError as error:
        yield wrong(AREA, "Compose", error.message, error.hint)


async def _engine(docker: Inspection) -> list[Finding]:
    try:
        facts = await docker.engine()
        kept = await docker.refused()
    except OpsbellError as error:
        return [wrong(AREA, "Engine", error.message, error.hint)]
    if facts.api < OLDEST_API:
        says = f"Docker {facts.version} is too old: Opsbell needs 20.10 or newer."
        return [wrong(AREA, "Engine", says, "Install a newer Docker Engine.")]
    found = [well(AREA, "Engine", _about(facts))]
    if kept:
        says = f"The Engine at {facts.address} answers, but refuses {join(kept)}."
        todo = f"Let the socket proxy pass {_NEEDED}: docs/socket-proxy.cfg does."
        found.append(wrong(AREA, "Permissions", says, todo))
    return found


def _about(facts: EngineFacts) -> str:
    rootless = ", rootless" if facts.rootless else ""
    return f"Docker {facts.version}{rootless} at {facts.address}."
