"""One area of the doctor's round, examined for a test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from bot.doctor.doctor import Area, Examine, examine
from bot.doctor.model import Finding
from bot.doctor.patient import admitted
from tests.parts.compose_project import ComposeProject


async def findings(
    look: Examine,
    directory: Path,
    document: Mapping[str, Any],
    *,
    limit: timedelta = timedelta(seconds=60),
) -> list[Finding]:
    """What an area finds of a configuration that is written into the directory."""
    config = directory / "opsbell.yaml"
    config.write_text(yaml.safe_dump(dict(document), sort_keys=False))
    async with admitted(config, os.environ) as patient:
        return [
            finding
            async for _, found in examine(patient, [Area("Area", look, limit)])
            for finding in found
        ]


def told(found: list[Finding]) -> list[str]:
    """Each finding as people read it: its sign, its subject and its words."""
    return [f"{f.sign} {f.subject}: {f.says} {f.todo}".rstrip() for f in found]


def grandvps_target(project: ComposeProject) -> dict[str, Any]:
    """The configuration of a Compose project, with everything that can be said of one."""
    return {
        "runtime": "compose",
        "directory": str(project.directory),
        "compose": {"project": project.project, "env_file": ".env.production"},
        "database": {"service": "db", "user": project.user, "name": project.database},
        "files": {
            "media": "media",
            "logs": "logs",
            "inside": {"service": "web", "path": "/app/media"},
        },
        "config": [".env.production", "docker-compose.yml"],
        "maintenance": {"file": "maintenance_mode.txt", "url": f"{project.web_url}/"},
        "health": {"url": f"{project.web_url}/healthz", "within": "10s"},
    }
