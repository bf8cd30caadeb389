"""Restore drills of a real application's backups, run by the real engine; Slack is away."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.backups.service import Backups
from bot.drills.model import Load
from bot.drills.service import Drills
from bot.drills.store import DrillResults
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.restores.drilling import load_for_drill
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import ALICE, Bench, compose_settings, host_settings, open_bench
from tests.backups.conftest import application_url as application_url
from tests.backups.sample import make_application
from tests.parts.compose_project import ComposeProject


@dataclass
class DrillBench:
    """Backups and drills of one target."""

    bench: Bench
    drills: Drills
    results: DrillResults

    async def request(self, wanted: str = "latest") -> int:
        """Queues a drill."""
        plan = await self.drills.plan(self.bench.target, {"set": wanted})
        async with self.bench.database.transaction() as tx:
            return await self.bench.operations.request(tx, plan, actor=ALICE, reason="manual")

    async def run(self, wanted: str = "latest") -> Operation:
        """Makes a drill, as the queue's worker would."""
        number = await self.request(wanted)
        await self.bench.engine.run(number)
        return await self.bench.operations.get(number)

    async def good(self, wanted: str = "latest") -> Operation:
        """Makes a drill that has to go well."""
        operation = await self.run(wanted)
        assert operation.state is OperationState.DONE, (operation.error, operation.output)
        return operation

    async def bad(self, wanted: str = "latest") -> Operation:
        """Makes a drill that has to find the set bad, and to keep that."""
        operation = await self.run(wanted)
        assert operation.state is OperationState.FAILED, operation.results()
        verdict = await self.results.of_operation(operation.id)
        assert verdict, operation.error
        assert not verdict.good
        found = await self.bench.backups.find(self.bench.target, verdict.set_id)
        assert found.good is None
        return operation

    async def without_verdict(self, wanted: str = "latest") -> Operation:
        """Makes a drill that cannot be carried out."""
        operation = await self.run(wanted)
        assert operation.state is OperationState.FAILED, operation.results()
        assert await self.results.of_operation(operation.id) is None
        return operation


@contextlib.asynccontextmanager
async def open_drills(
    settings: Mapping[str, Any], database: Database, queue: Queue, *, load: Load = load_for_drill
) -> AsyncIterator[DrillBench]:
    """Everything that makes backups and drills of the one target in the settings."""
    async with open_bench(settings, database, queue) as bench:
        results = DrillResults(database)
        backups = Backups(
            bench.settings, bench.targets, bench.operations, verdicts=results.verdicts
        )
        bench.backups = backups
        drills = Drills(
            bench.settings,
            bench.targets,
            bench.operations,
            backups,
            results,
            bench.posts,
            queue,
            load=load,
        )
        yield DrillBench(bench, drills, results)


def with_policy(settings: Mapping[str, Any], **policy: Any) -> dict[str, Any]:
    """The settings with more in the backups of their target."""
    ((name, own),) = settings["backups"].items()
    return {**settings, "backups": {name: {**own, **policy}}}


@pytest.fixture
async def host(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> AsyncIterator[DrillBench]:
    """Drills of an application on this machine."""
    directory = tmp_path / "application"
    make_application(directory)
    settings = host_settings(directory, application_url, tmp_path / "store")
    async with open_drills(settings, database, queue) as drills:
        yield drills


@pytest.fixture
async def compose(
    tmp_path: Path, grandvps: ComposeProject, database: Database, queue: Queue
) -> AsyncIterator[DrillBench]:
    """Drills of the Compose project with PostgreSQL 17."""
    settings = compose_settings(grandvps, tmp_path / "store")
    async with open_drills(settings, database, queue) as drills:
        yield drills
