"""Checks for the tests: a configuration with one target and any checks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.checks.service import Checks
from bot.config import Settings
from bot.targets.targets import Targets


@asynccontextmanager
async def checks_of(
    checks: dict[str, dict[str, Any]],
    target: dict[str, Any] | None = None,
    *,
    timezone: str = "Europe/Berlin",
    **more: Any,
) -> AsyncIterator[Checks]:
    """The given checks, on the target `grandvps` where they name it."""
    settings = Settings.model_validate(
        {
            "timezone": timezone,
            "targets": {"grandvps": target} if target else {},
            "checks": checks,
        }
    )
    async with Targets(settings) as targets:
        service = Checks(settings, targets, **more)
        yield service
        await service.close()
