"""What most mistakes are made on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from tests.mistakes.hosts import HostBench
from tests.mistakes.projects import ProjectBench
from tests.mistakes.table import Bench
from tests.parts.compose_project import ComposeProject


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """The local Slack, and the embedded database, which `check` does not start."""
    async with LocalSlack() as slack:
        yield Bench(tmp_path, "embedded", slack)


@pytest.fixture
async def host_bench(tmp_path: Path, database_url: str) -> AsyncIterator[HostBench]:
    """The local Slack, a database, and an application of this machine."""
    async with LocalSlack() as slack:
        made = HostBench(tmp_path, database_url, slack)
        made.make_shop()
        yield made


@pytest.fixture
async def project_bench(
    tmp_path: Path, database_url: str, grandvps: ComposeProject
) -> AsyncIterator[ProjectBench]:
    """The local Slack, a database, and the module's Compose project."""
    async with LocalSlack() as slack:
        yield ProjectBench(tmp_path, database_url, slack, grandvps)
