"""Opsbell itself as something that is backed up: the target of the reserved name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import quote

from bot.config.base import OWN
from bot.config.secret import Secret
from bot.config.settings import Settings
from bot.config.targets import HostTarget, UrlDatabase

KEY = "audit.key"
"""The file in the data directory that seals the log of events."""


def with_own_target(settings: Settings, file: Path) -> Settings:
    """The settings with Opsbell as a target, where its backups are configured: its database, and
    as its configuration the `file` that the settings are from and the key of its log."""
    if OWN not in settings.backups:
        return settings
    path = file.absolute()
    own = HostTarget(
        runtime="host",
        directory=path.parent,
        database=UrlDatabase(url=own_url(settings)),
        config=(PurePosixPath(path), PurePosixPath(settings.data.absolute() / KEY)),
    )
    return settings.model_copy(update={"targets": {**settings.targets, OWN: own}})


def own_url(settings: Settings) -> Secret:
    """The URL of Opsbell's database. The embedded one is reached through its directory."""
    if settings.database is not None:
        return settings.database
    cluster = quote(str(settings.data.resolve() / "postgres"), safe="")
    return Secret(f"postgresql://postgres@/postgres?host={cluster}")
