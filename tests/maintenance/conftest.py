"""Maintenance of a real page, run by the real engine; the local Slack hears of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.maintenance import store
from bot.maintenance.model import Window
from bot.maintenance.notice import Notice
from bot.maintenance.service import Maintenance, on_parameters
from bot.operations.engine import Engine
from bot.operations.model import Operation
from bot.operations.plan import Plan
from bot.operations.service import Operations
from bot.playground import LocalSlack
from bot.slack.client import open_session, web_client
from bot.slack.posts import Posts
from bot.slack.reconciler import Reconciler
from bot.slack.topics import Topics
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.targets import Targets
from tests.maintenance.page import Page, served
from tests.parts.operations import new_engine, new_operations

ALICE, BOB = "slack:U0ALICE001", "slack:U0BOB00001"


class Clock:
    """The time, moved by hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        self.now += span


@dataclass
class Bench:
    """Maintenance of one target, and all that it stands on. Nobody works off the queue."""

    settings: Settings
    database: Database
    queue: Queue
    slack: LocalSlack
    engine: Engine
    operations: Operations
    maintenance: Maintenance
    clock: Clock
    directory: Path

    @property
    def file(self) -> Path:
        return self.directory / "maintenance_mode.txt"

    def notice(self) -> Notice:
        """What the file says."""
        return Notice.read(self.file.read_text())

    async def run(self, number: int) -> Operation:
        """Runs an operation, as the queue's worker would."""
        await self.engine.run(number)
        return await self.operations.get(number)

    async def run_plan(self, plan: Plan, actor: str = ALICE) -> Operation:
        async with self.database.transaction() as tx:
            number = await self.operations.request(tx, plan, actor=actor, reason="manual")
        return await self.run(number)

    async def on(
        self, reason: str = "Upgrade", length: timedelta | None = timedelta(minutes=30)
    ) -> Operation:
        """Turns it on as Alice does."""
        plan = await self.operations.plan(
            "maintenance.on", "grandvps", on_parameters(reason, length)
        )
        return await self.run_plan(plan)

    async def off(self, actor: str = BOB) -> Operation:
        """Turns it off."""
        return await self.run_plan(
            await self.operations.plan("maintenance.off", "grandvps", {}), actor
        )

    async def window(self) -> Window | None:
        """The active one on record."""
        async with self.database.transaction() as tx:
            return await store.lock_active(tx, "grandvps")

    async def recorded(self, number: int) -> Window:
        async with self.database.transaction() as tx:
            found = await store.lock(tx, number)
        assert found
        return found

    async def is_on(self) -> bool:
        async with self.database.transaction() as tx:
            return await self.maintenance.is_on(tx, "grandvps")

    async def said(self, key: str) -> str | None:
        """What a post shall say; None where there is none."""
        row = await self.database.first("select message from posts where key = %s", (key,))
        return str(row["message"]) if row else None

    async def jobs(self, name: str) -> list[dict[str, Any]]:
        """The arguments of the jobs that wait, by their time."""
        rows = await self.database.all(
            "select args from procrastinate_jobs where task_name = %s and status = 'todo'"
            " order by scheduled_at, id",
            (name,),
        )
        return [row["args"] for row in rows]

    async def events(self) -> list[str]:
        """The actions in the log that concern maintenance, oldest first."""
        rows = await self.database.all(
            "select action from events where action like 'maintenance.%%' order by id"
        )
        return [row["action"] for row in rows]


def settings_of(directory: Path, page: Page, **more: Any) -> dict[str, Any]:
    """A target on this machine with a maintenance file."""
    maintenance = {"file": "maintenance_mode.txt", "url": page.url, **more}
    return {
        "timezone": "Europe/Berlin",
        "targets": {
            "grandvps": {"runtime": "host", "directory": directory, "maintenance": maintenance}
        },
    }


@contextlib.asynccontextmanager
async def open_bench(
    settings: Mapping[str, Any], directory: Path, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Everything that puts the one target of the settings into maintenance."""
    validated = Settings.model_validate(settings)
    async with (
        LocalSlack(rate_limits=False) as slack,
        open_session() as session,
        Targets(validated) as targets,
    ):
        client = web_client(session, slack.bot_token, slack.api_url)
        Reconciler(database, queue, client).register()
        engine = new_engine(database, queue, client)
        operations = new_operations(database, queue, client, engine)
        clock = Clock()
        maintenance = Maintenance(
            validated,
            targets,
            database,
            queue,
            operations,
            Posts(database, queue, client),
            Topics(client),
            redact=lambda text: text.replace("hunter2", "…"),
            clock=clock,
            patience=timedelta(seconds=0.2),
        )
        yield Bench(
            validated, database, queue, slack, engine, operations, maintenance, clock, directory
        )


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """The application's page."""
    directory = tmp_path / "application"
    directory.mkdir()
    with served(directory) as page:
        yield page


@pytest.fixture
async def bench(
    tmp_path: Path, page: Page, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    directory = tmp_path / "application"
    settings = settings_of(directory, page, allow=["192.0.2.7", "2001:db8::/32"])
    async with open_bench(settings, directory, database, queue) as bench:
        yield bench
