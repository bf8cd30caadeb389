"""What the doctor looks at: one installation, read but never changed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.config.environment import SLACK_SECRETS, read_secret
from bot.config.errors import ConfigurationError
from bot.config.load import load
from bot.config.settings import Settings
from bot.log import set_up_logging
from bot.targets.targets import Targets


@dataclass(frozen=True)
class Patient:
    """One installation. `redact` hides every secret that is known of it.

    `targets` are open, which needs nothing to be up.
    """

    config: Path
    settings: Settings
    environ: Mapping[str, str]
    targets: Targets
    redact: Callable[[str], str]


@contextlib.asynccontextmanager
async def admitted(config: Path, environ: Mapping[str, str]) -> AsyncIterator[Patient]:
    """The installation of a configuration. Raises ConfigurationError where that does not load."""
    settings = load(config, environ)
    async with Targets(settings) as targets:
        redact = targets.redactor(_slack_secrets(environ)).redact
        # What the parts log of their own troubles, the findings say better.
        set_up_logging(redact, logging.CRITICAL)
        yield Patient(config, settings, environ, targets, redact)


def _slack_secrets(environ: Mapping[str, str]) -> list[str]:
    found = []
    for name in SLACK_SECRETS:
        with contextlib.suppress(ConfigurationError):
            if secret := read_secret(environ, name):
                found.append(secret.reveal())
    return found
