"""Backups of a real application, run by the real engine; Slack is away."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.backups.model import Manifest
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.sample import fill, make_application
from tests.parts.compose_project import ComposeProject
from tests.parts.postgres import PostgresServer
from tests.parts.target import Parts, open_parts

ALICE = "slack:U0ALICE001"


class Bench(Parts):
    """Backups of one target, and all that they stand on."""

    @property
    def store(self) -> Path:
        """The directory of the target's sets."""
        return self.backups.store(self.target).directory

    async def request(self, *include: str) -> int:
        """Queues a backup."""
        plan = self.backups.plan(self.target, include)
        async with self.database.transaction() as tx:
            return await self.backups.request(tx, plan, actor=ALICE, reason="manual")

    async def run(self, *include: str) -> Operation:
        """Makes a backup, as the queue's worker would."""
        number = await self.request(*include)
        await self.engine.run(number)
        return await self.operations.get(number)

    async def make(self, *include: str) -> tuple[Path, Manifest]:
        """Makes a backup that has to go well; its directory and manifest."""
        operation = await self.run(*include)
        assert operation.state is OperationState.DONE, (operation.error, operation.output)
        found = await self.backups.find(self.target, operation.results()["backup.publish"]["set"])
        assert found.good, found.trouble
        assert found.path
        return found.path, found.good

    def entries(self) -> list[str]:
        """All names in the target's store, hidden ones too."""
        return sorted(path.name for path in self.store.iterdir()) if self.store.exists() else []


@contextlib.asynccontextmanager
async def open_bench(
    settings: Mapping[str, Any], database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Everything that makes backups of the one target in the settings."""
    async with open_parts(settings, database, queue) as parts:
        yield Bench(**vars(parts))


@pytest.fixture
def application_url(postgres: PostgresServer) -> Iterator[str]:
    """The application's database, filled."""
    with postgres.new_database() as url:
        fill(url)
        yield url


def host_settings(directory: Path, url: str, store: Path) -> dict[str, Any]:
    """A target on this machine."""
    return {
        "targets": {
            "grandvps": {
                "runtime": "host",
                "directory": directory,
                "database": {"url": url},
                "files": {"media": "media", "logs": "logs"},
                "config": [".env.production"],
            }
        },
        "backups": {
            "grandvps": {
                "include": ["database", "media", "logs", "config"],
                "store": {"directory": store},
                "keep": {"last": 2},
            }
        },
    }


@pytest.fixture
async def host(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Backups of an application on this machine."""
    directory = tmp_path / "application"
    make_application(directory)
    settings = host_settings(directory, application_url, tmp_path / "store")
    async with open_bench(settings, database, queue) as bench:
        yield bench


def compose_settings(project: ComposeProject, store: Path) -> dict[str, Any]:
    """A target run by Compose; its logs are taken from inside the container."""
    return {
        "targets": {
            "grandvps": {
                "runtime": "compose",
                "directory": project.directory,
                "compose": {
                    "project": project.project,
                    "files": ["docker-compose.yml"],
                    "env_file": ".env.production",
                },
                "database": {"service": "db", "user": project.user, "name": project.database},
                "files": {"media": "media", "logs": {"service": "web", "path": "/app/logs"}},
                "config": [".env.production", "docker-compose.yml"],
            }
        },
        "backups": {
            "grandvps": {
                "include": ["database", "media", "logs", "config"],
                "store": {"directory": store},
            }
        },
    }


@pytest.fixture
async def compose(
    tmp_path: Path, grandvps: ComposeProject, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Backups of the Compose project with PostgreSQL 17."""
    async with open_bench(compose_settings(grandvps, tmp_path / "store"), database, queue) as bench:
        yield bench
