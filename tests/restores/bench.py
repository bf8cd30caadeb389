"""Servers to restore on, and a context that hears what a step tells."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bot.config.settings import Settings
from bot.restores.server import Server
from bot.targets.targets import Targets


class Heard:
    """Hears progress."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    async def progress(self, note: str, share: float | None = None) -> None:
        """Keeps the note."""
        self.notes.append(note)


@contextlib.asynccontextmanager
async def host_server(url: str, mark: str = "opsbell restore test") -> AsyncIterator[Server]:
    """The server of a host target with that database."""
    async with targets(host_target(url, Path("/"))) as opened:
        yield Server(opened.get("grandvps"), mark)


def host_target(url: str, directory: Path) -> dict[str, Any]:
    """A target on this machine."""
    return {"runtime": "host", "directory": directory, "database": {"url": url}}


@contextlib.asynccontextmanager
async def targets(target: dict[str, Any]) -> AsyncIterator[Targets]:
    """The targets of a configuration with this one."""
    async with Targets(Settings.model_validate({"targets": {"grandvps": target}})) as opened:
        yield opened
