"""Restores of one target and all that they stand on; and servers to load into."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.config.settings import Settings
from bot.maintenance.service import Maintenance
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.restores.server import Server
from bot.restores.service import Restores
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.targets import Targets
from tests.backups import conftest as backups_bench
from tests.backups.conftest import ALICE
from tests.backups.sample import make_application
from tests.parts.target import new_maintenance


class Heard:
    """Hears progress."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    async def progress(self, note: str, share: float | None = None) -> None:
        """Keeps the note."""
        self.notes.append(note)


@dataclass
class Bench:
    """Backups and restores of one target."""

    backups: backups_bench.Bench
    restores: Restores
    maintenance: Maintenance

    @property
    def target(self) -> str:
        """The target's name."""
        return self.backups.target

    @property
    def server(self) -> Server:
        """The server of the target's database."""
        return Server(self.backups.targets.get(self.target), "opsbell restore test")

    async def request(self, runbook: str, **parameters: Any) -> int:
        """Has a plan made, confirms it, and leaves it queued."""
        operations = self.backups.operations
        planned = await operations.preview(runbook, self.target, parameters, actor=ALICE)
        async with self.backups.database.transaction() as tx:
            await operations.confirm(tx, planned.id, actor=ALICE, typed=self.target)
        return planned.id

    async def run(self, runbook: str, **parameters: Any) -> Operation:
        """Runs it as the queue's worker would."""
        number = await self.request(runbook, **parameters)
        await self.backups.engine.run(number)
        return await self.backups.operations.get(number)

    async def restored(self, wanted: str = "latest", **parameters: Any) -> Operation:
        """A restore that has to go well."""
        return done(await self.run("restore", set=wanted, **parameters))

    async def undone(self, **parameters: Any) -> Operation:
        """An undo that has to go well."""
        return done(await self.run("restore-undo", **parameters))


def done(operation: Operation) -> Operation:
    """The operation, which must have gone well."""
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    return operation


@contextlib.asynccontextmanager
async def open_bench(
    settings: Mapping[str, Any], database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Everything that restores the one target in the settings."""
    async with backups_bench.open_bench(settings, database, queue) as bench:
        maintenance = new_maintenance(bench)
        restores = Restores(
            bench.settings,
            bench.targets,
            bench.operations,
            bench.backups,
            maintenance,
            database,
            queue,
        )
        yield Bench(bench, restores, maintenance)


def host_settings(directory: Path, url: str) -> dict[str, Any]:
    """A target on this machine in a directory; its application is made."""
    application = directory / "application"
    if not application.exists():
        make_application(application)
    settings = backups_bench.host_settings(application, url, directory / "store")
    settings["targets"]["grandvps"]["maintenance"] = {"file": "maintenance_mode.txt"}
    return settings


@contextlib.asynccontextmanager
async def host_server(url: str, mark: str = "opsbell restore test") -> AsyncIterator[Server]:
    """The server of a host target with that database."""
    target = {"runtime": "host", "directory": "/", "database": {"url": url}}
    async with Targets(Settings.model_validate({"targets": {"grandvps": target}})) as opened:
        yield Server(opened.get("grandvps"), mark)
