"""Restores of a real application, run by the real engine; Slack is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.queue import Queue
from tests.parts.postgres import PostgresServer
from tests.restores.bench import Bench, host_settings, open_bench
from tests.restores.world import make_world


@pytest.fixture
def world(postgres: PostgresServer) -> Iterator[str]:
    """A database with one of everything."""
    with postgres.new_database() as url:
        make_world(url)
        yield url


@pytest.fixture
async def host(
    tmp_path: Path, world: str, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Restores of an application on this machine."""
    settings = host_settings(tmp_path, world)
    async with open_bench(settings, database, queue) as bench:
        yield bench
