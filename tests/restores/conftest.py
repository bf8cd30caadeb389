"""Restores of a real application, run by the real engine; Slack is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from bot.store.database import Database
from bot.store.queue import Queue
from tests.parts.postgres import PostgresServer
from tests.restores.bench import Bench, host_settings, open_bench
from tests.restores.world import databases, make_world, name_of


@pytest.fixture
def world(postgres: PostgresServer) -> Iterator[str]:
    """A database with one of everything."""
    with postgres.new_database() as url:
        make_world(url)
        yield url
        drop_others(postgres, url)


@pytest.fixture
async def host(
    tmp_path: Path, world: str, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Restores of an application on this machine."""
    settings = host_settings(tmp_path, world)
    async with open_bench(settings, database, queue) as bench:
        yield bench


def drop_others(postgres: PostgresServer, url: str) -> None:
    """Drops what restores of a database have kept beside it, so that its roles can go too."""
    for name in databases(url).keys() - {name_of(url)}:
        drop = sql.SQL("drop database {} with (force)")
        postgres.execute(drop.format(sql.Identifier(name)))
