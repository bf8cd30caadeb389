"""Targets for the tests: a real Compose project, and a directory of this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.config import Settings
from bot.targets.model import Target
from bot.targets.targets import Targets
from tests.parts.compose_project import DATABASE, USER, ComposeProject


def compose_settings(project: ComposeProject) -> dict[str, Any]:
    """The configuration of a target for a Compose project."""
    return {
        "runtime": "compose",
        "directory": str(project.directory),
        "compose": {
            "project": project.project,
            "files": ["docker-compose.yml"],
            "env_file": ".env.production",
        },
        "database": {"service": "db", "user": USER, "name": DATABASE},
        "config": [".env.production", "docker-compose.yml"],
    }


def host_settings(directory: Path, **more: Any) -> dict[str, Any]:
    """The configuration of a target whose processes run here, in `directory`."""
    return {"runtime": "host", "directory": str(directory), **more}


@asynccontextmanager
async def opened(settings: dict[str, Any]) -> AsyncIterator[Target]:
    """The one target of a configuration, called `grandvps`."""
    configured = Settings.model_validate({"targets": {"grandvps": settings}})
    async with Targets(configured) as targets:
        yield targets.get("grandvps")
