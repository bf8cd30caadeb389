"""The docker program's Compose plugin: whether it is there, and what it makes of a project."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot.config import targets as configured
from bot.errors import Unavailable
from bot.targets.compose_complaints import Refusal, Unset, located, refusal, unset_variables
from bot.targets.environment import for_children
from bot.targets.host_process import host_process
from bot.targets.model import Completed
from bot.targets.running import run_process

_LIMIT = timedelta(seconds=8)
_PLUGIN = "Install Docker's package docker-compose-plugin (Debian: docker-compose of trixie)."

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""What Compose looks for where no file is named, in its order."""


async def compose_version() -> str:
    """The version of the Compose plugin. Raises Unavailable with what is missing of it."""
    if shutil.which("docker") is None:
        raise Unavailable(
            "The docker program is not installed, and with it Docker Compose.",
            hint="Install Docker's command line with its Compose plugin (docker-ce-cli and"
            " docker-compose-plugin).",
            retryable=False,
        )
    done = await _run(["docker", "compose", "version"], Path("/"))
    version = _version(done.stdout)
    if done.status or version is None:
        raise await _without_plugin()
    if version.startswith("1."):
        raise _too_old(version)
    return version


@dataclass(frozen=True)
class ComposeConfiguration:
    """What Compose makes of a project's files: their services, or why it refuses them; and the
    variables that they use without a value. Holds no values of the project's."""

    services: tuple[str, ...] = ()
    refusal: Refusal | None = None
    unset: Unset = field(default_factory=Unset)


async def compose_configuration(settings: configured.ComposeTarget) -> ComposeConfiguration:
    """Has Compose read the files of a target. Raises Unavailable, and OSError for files that
    cannot be read."""
    command = compose_command(settings)
    done = await _run([*command, "config", "--services"], settings.directory)
    unset = Unset()
    if names := unset_variables(done.stderr):
        unset = located(names, await asyncio.to_thread(_texts, settings))
    if done.status:
        return ComposeConfiguration(refusal=refusal(done.stderr), unset=unset)
    return ComposeConfiguration(tuple(sorted(done.stdout.split())), unset=unset)


def _texts(settings: configured.ComposeTarget) -> dict[Path, str]:
    """The files in which a target's variables stand, those that Compose finds by itself too."""
    source = settings.compose
    overrides = (name.replace(".y", ".override.y") for name in DEFAULT_FILES)
    names = [str(inner) for inner in source.files] or [*DEFAULT_FILES, *overrides]
    paths = [settings.directory / name for name in (*names, source.env_file or ".env")]
    return {
        path: path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()
    }


def compose_command(settings: configured.ComposeTarget) -> tuple[str, ...]:
    """`docker compose` for a target's project, to be run in the target's directory."""
    source = settings.compose
    files = [part for inner in source.files for part in ("--file", str(settings.path(inner)))]
    env_file = source.env_file
    environment = ("--env-file", str(settings.path(env_file))) if env_file else ()
    return ("docker", "compose", "--project-name", source.project, *files, *environment)


async def _without_plugin() -> Unavailable:
    """There may be an older Compose, or one that is no plugin: as the program docker-compose."""
    if shutil.which("docker-compose") is None:
        says = "The docker program has no Compose plugin (docker compose)."
        return Unavailable(says, hint=_PLUGIN, retryable=False)
    done = await _run(["docker-compose", "version", "--short"], Path("/"))
    version = _version(done.stdout) or "unknown"
    if version.startswith("1."):
        return _too_old(version)
    program = await asyncio.to_thread(shutil.which, "docker-compose")
    return Unavailable(
        f"Docker Compose {version} is installed as docker-compose, not as docker's plugin.",
        hint="Run: mkdir -p ~/.docker/cli-plugins && ln -s"
        f" {program} ~/.docker/cli-plugins/docker-compose",
        retryable=False,
    )


def _too_old(version: str) -> Unavailable:
    says = f"Docker Compose {version} is too old: Opsbell needs version 2."
    return Unavailable(says, hint=_PLUGIN, retryable=False)


def _version(text: str) -> str | None:
    found = re.search(r"\bv?(\d+\.\d+[\w.+-]*)", text)
    return found[1] if found else None


async def _run(argv: Sequence[str], directory: Path) -> Completed:
    # None of this asks the Engine, and Compose would refuse to begin where its address is wrong.
    environment = for_children(os.environ)
    environment.pop("DOCKER_HOST", None)
    return await run_process(
        lambda errors: host_process(
            argv, environment=environment, directory=directory, errors=errors
        ),
        program="docker compose",
        timeout=_LIMIT,
    )
