"""Drills of sets in a real restic repository, also one that has lost some of its data."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.sample import make_application
from tests.backups.test_restic import restic_settings
from tests.backups.trouble import partial_sets
from tests.drills.conftest import DrillBench, open_drills

pytestmark = pytest.mark.needs("restic")


@pytest.fixture
async def drills(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> AsyncIterator[DrillBench]:
    make_application(tmp_path / "application")
    settings = restic_settings(tmp_path, application_url)
    async with open_drills(settings, database, queue) as opened:
        yield opened


async def backup(drills: DrillBench) -> str:
    """Makes a backup; its ID."""
    operation = await drills.bench.run()
    assert operation.state.value == "done", operation.error
    return str(operation.results()["backup.publish"]["set"])


async def test_a_set_is_fetched_proven_and_nothing_of_it_is_left(drills: DrillBench) -> None:
    await backup(drills)
    operation = await drills.good()
    assert "4\N{NARROW NO-BREAK SPACE}032 rows in 7 tables" in operation.steps[-2].note
    assert partial_sets(drills.bench) == []


async def test_a_repository_that_lost_data_condemns_the_set(
    drills: DrillBench, tmp_path: Path
) -> None:
    await backup(drills)
    packs = sorted(
        (path for path in (tmp_path / "repository" / "data").rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_size,
    )
    largest = packs[-1]
    content = bytearray(largest.read_bytes())
    largest.chmod(0o600)
    for offset in range(0, len(content), 512):
        content[offset] ^= 0xFF
    largest.write_bytes(content)
    operation = await drills.bad()
    assert "the store cannot give it back" in operation.error
    assert partial_sets(drills.bench) == []


async def test_a_repository_that_is_away_says_nothing_about_the_set(
    drills: DrillBench, tmp_path: Path
) -> None:
    await backup(drills)
    number = await drills.request()
    (tmp_path / "repository").rename(tmp_path / "away")
    await drills.bench.engine.run(number)
    operation = await drills.bench.operations.get(number)
    assert operation.state.value == "failed"
    assert await drills.results.of_operation(number) is None
    (tmp_path / "away").rename(tmp_path / "repository")
    await drills.good()
