"""The services of a host target: how they are restarted, and their log files."""

from __future__ import annotations

import asyncio
import os
import shutil

from bot.config.targets import HostService, HostTarget
from bot.doctor.model import Finding, beware, well, wrong
from bot.os_user import me
from bot.targets.environment import for_children
from bot.words import join


async def look_at_services(area: str, name: str, settings: HostTarget) -> list[Finding]:
    """Whether the programs that restart them are there, and their logs can be read."""
    if not settings.services:
        return []
    found = await asyncio.to_thread(_all, area, name, settings)
    return found or [well(area, "Services", f"{join(list(settings.services))}.")]


def _all(area: str, name: str, settings: HostTarget) -> list[Finding]:
    found = []
    for service, each in settings.services.items():
        key = f"targets.{name}.services.{service}"
        found += _restart(area, f"Service {service}", key, each)
        found += _log(area, f"Service {service}", key, settings, each)
    return found


def _restart(area: str, subject: str, key: str, service: HostService) -> list[Finding]:
    program = service.restart[0]
    if shutil.which(program, path=for_children(os.environ).get("PATH")):
        return []
    says = f"The program {program}, which restarts it, is not installed."
    return [wrong(area, subject, says, f"Correct {key}.restart, or put it on Opsbell's PATH.")]


def _log(
    area: str, subject: str, key: str, settings: HostTarget, service: HostService
) -> list[Finding]:
    if service.logs is None:
        return []
    path = settings.path(service.logs)
    if not path.exists():
        says = f"Its log {path} does not exist."
        todo = f"Start it once if it has never run, or correct {key}.logs."
        return [beware(area, subject, says, todo)]
    if not os.access(path, os.R_OK):
        says = f"{me()} may not read its log {path}."
        return [wrong(area, subject, says, f"Give {me()} the right: often by the group adm.")]
    return []
