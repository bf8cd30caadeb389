"""Step kinds on real targets."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings
from bot.operations.model import StepContext, StepKind
from bot.runbooks.registering import kinds_of
from bot.targets.model import Target
from bot.targets.targets import Targets
from tests.parts.compose_project import ComposeProject
from tests.targets.places import compose_settings, host_settings


@dataclass
class Place:
    """A target and the kinds of steps that work on it."""

    settings: Settings
    targets: Targets
    target: Target
    kinds: dict[str, StepKind]
    notes: list[str]
    asked: list[int]
    approved: list[str]
    refused: list[str]


@contextlib.asynccontextmanager
async def opened_place(settings: dict[str, Any]) -> AsyncIterator[Place]:
    """The one target of a configuration, called `grandvps`."""
    configured = Settings.model_validate({"targets": {"grandvps": settings}})
    notes: list[str] = []
    asked: list[int] = []
    approved: list[str] = []
    refused: list[str] = []

    async def tell(context: StepContext, text: str) -> None:
        notes.append(text)

    async def ask(context: StepContext) -> None:
        asked.append(context.step.position)

    async def approvals(number: int, position: int) -> tuple[Sequence[str], str]:
        return approved, "".join(refused)

    async with Targets(configured) as targets:
        kinds = kinds_of(configured, targets, approvals=approvals, ask=ask, tell=tell)
        target = targets.get("grandvps")
        yield Place(configured, targets, target, kinds, notes, asked, approved, refused)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Place]:
    """A target on this machine, with a service called web."""
    directory = tmp_path / "application"
    directory.mkdir()
    services = {"web": {"restart": ["true"]}}
    async with opened_place(host_settings(directory, services=services)) as place:
        yield place


@pytest.fixture
async def compose(grandvps: ComposeProject) -> AsyncIterator[Place]:
    """A target that Compose runs."""
    async with opened_place(compose_settings(grandvps)) as place:
        yield place
