"""What most mistakes are made on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from tests.mistakes.table import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """The local Slack, and the embedded database, which `check` does not start."""
    async with LocalSlack() as slack:
        yield Bench(tmp_path, "embedded", slack)
