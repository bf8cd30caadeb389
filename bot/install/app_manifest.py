"""`opsbell manifest`: the Slack app that fits what is registered and configured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.app import slack_commands
from bot.config.load import load
from bot.config.settings import Settings
from bot.errors import UsageError
from bot.slack.manifest import EVENTS_PATH, manifest


async def app_manifest(
    config: Path, environ: Mapping[str, str], *, url: str = "", optional: bool = False
) -> dict[str, Any]:
    """The manifest for the configuration in a file, or for the defaults where that is `optional`
    and does not exist.

    `url` is where Slack reaches Opsbell over HTTP. Raises ConfigurationError, and UsageError
    where the url is none or does not fit `slack.mode`.
    """
    settings = _settings(config, environ, url=url, optional=optional)
    return manifest(
        await slack_commands(settings),
        prefix=settings.slack.command_prefix,
        address=_address(url) if url else "",
    )


def _settings(config: Path, environ: Mapping[str, str], *, url: str, optional: bool) -> Settings:
    if optional and not config.exists():
        return Settings()
    settings = load(config, environ)
    if url and settings.slack.mode == "socket":
        raise UsageError(
            f"--url is for HTTP, and {config} says slack.mode: socket.",
            hint="Leave it out, or set the mode to http.",
        )
    if not url and settings.slack.mode == "http":
        raise UsageError(
            f"{config} says slack.mode: http, so the manifest needs Opsbell's address.",
            hint="Add --url https://opsbell.example.com, as Slack reaches it.",
        )
    return settings


def _address(url: str) -> str:
    """The address without the path that Opsbell adds itself."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    else:
        sound = sound and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not sound:
        raise UsageError(
            f'"{url}" is no address that Slack calls.',
            hint="It is like https://opsbell.example.com, with https.",
        )
    return url.rstrip("/").removesuffix(EVENTS_PATH)
