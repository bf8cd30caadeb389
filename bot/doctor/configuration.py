"""The configuration, beyond what its loading already proves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Set
from urllib.parse import urlsplit

from bot.app import slack_commands
from bot.config.access import ANYONE
from bot.config.base import OWN
from bot.config.settings import Settings
from bot.config.words import nearest
from bot.doctor.model import Finding, beware, well
from bot.doctor.patient import Patient
from bot.os_user import username
from bot.words import count, join

AREA = "Configuration"


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """What it holds, who may read it, and roles that nobody holds."""
    yield well(AREA, str(patient.config), _contents(patient.settings))
    there = {each.name for each in await slack_commands(patient.settings)}
    for finding in (*_exposed(patient), *_unheld_roles(patient.settings, there)):
        yield finding


def _contents(settings: Settings) -> str:
    numbers = (
        count(len({*settings.targets} - {OWN}), "target"),
        count(len(settings.checks), "check"),
        count(len(settings.checklists), "checklist"),
        count(len(settings.backups), "backup policy", "backup policies"),
    )
    return f"It loads: {join(list(numbers))}, times in {settings.timezone}."


def _exposed(patient: Patient) -> Iterator[Finding]:
    """Whether others may read a file that itself holds a secret."""
    text = patient.config.read_text(encoding="utf-8", errors="replace")
    found = patient.config.stat()
    holds = any(_is_secret(s.reveal()) and s.reveal() in text for s in patient.settings.secrets())
    if holds and found.st_mode & 0o004:
        owner = username(found.st_uid)
        says = "It holds a password and everyone on this machine can read it."
        todo = f"Run: chmod 600 {patient.config} (its owner is {owner}), or use ${{NAME}} in it."
        yield beware(AREA, str(patient.config), says, todo)


def _is_secret(text: str) -> bool:
    """Whether others must not know it: a URL without a password they may."""
    return bool(urlsplit(text).password if "://" in text else text)


def _unheld_roles(settings: Settings, there: Set[str]) -> Iterator[Finding]:
    """Roles that commands ask for and nobody in the configuration has."""
    asking: dict[str, list[str]] = {}
    for command in sorted(there | settings.access.keys()):
        asking.setdefault(settings.rule(command).role, []).append(f"/{command}")
    for role, commands in asking.items():
        if role != ANYONE and not settings.roles.get(role):
            like = nearest(role, settings.roles.keys() - {role})
            says = f"Nobody has the role {role}{like}, so nobody may use {join(commands)}."
            todo = f"Add people or groups under roles.{role}."
            yield beware(AREA, f"roles.{role}", says, todo)
