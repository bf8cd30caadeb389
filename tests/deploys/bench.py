"""Deploys and all that they stand on, with the real engine; Slack is away."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.config.settings import Settings
from bot.deploys.planning import RUNBOOK
from bot.deploys.service import Deploys
from bot.operations.engine import Engine
from bot.operations.model import Operation
from bot.operations.plan import Plan
from bot.operations.service import Operations
from bot.operations.states import Course
from bot.others import OtherSteps
from bot.restores.service import Restores
from bot.runbooks.service import Runbooks
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.targets import Targets
from tests.parts.target import new_maintenance, open_parts

ALICE = "slack:U0ALICE001"
CAROL = "U0CAROL001"
"""An admin's Slack user ID."""


@dataclass
class Bench:
    """Deploys to one target."""

    settings: Settings
    database: Database
    targets: Targets
    engine: Engine
    operations: Operations
    deploys: Deploys
    target: str

    async def plan(self, ref: str = "", **parameters: Any) -> Plan:
        """What a deploy would do."""
        return await self.deploys.plan(self.target, self._wanted(ref, parameters))

    async def request(self, ref: str = "", *, runbook: str = RUNBOOK, **parameters: Any) -> int:
        """Asks for a deploy and confirms its plan; its operation's number."""
        wanted = self._wanted(ref, parameters)
        operation = await self.operations.preview(runbook, self.target, wanted, actor=ALICE)
        async with self.database.transaction() as tx:
            await self.operations.confirm(tx, operation.id, actor=ALICE)
        return operation.id

    async def deploy(self, ref: str = "", **parameters: Any) -> Operation:
        """Deploys, as the queue's worker would."""
        return await self.finish(await self.request(ref, **parameters))

    async def finish(self, number: int) -> Operation:
        """Runs an operation, or finds out about one whose process died."""
        await self.engine.run(number)
        return await self.operations.get(number)

    async def choose(self, number: int, course: Course) -> Operation:
        """What a person chooses for an interrupted operation, and what comes of it."""
        async with self.database.transaction() as tx:
            await self.operations.choose(tx, number, course, actor=ALICE)
        return await self.finish(number)

    def _wanted(self, ref: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {**parameters, **({"ref": ref} if ref else {})}


async def nobody(role: str, actor: str) -> Sequence[str]:
    """Who else holds a role."""
    return ()


@contextlib.asynccontextmanager
async def open_bench(
    settings: Mapping[str, Any], database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Everything that deploys to the one target in the settings."""
    async with open_parts(settings, database, queue, admins=(CAROL,)) as parts:
        validated, targets, operations = parts.settings, parts.targets, parts.operations
        backups, posts = parts.backups, parts.posts
        maintenance = new_maintenance(parts, patience=timedelta(seconds=3))
        Restores(validated, targets, operations, backups, maintenance, database, queue)
        runbooks = Runbooks(
            validated,
            targets,
            database,
            posts,
            operations,
            OtherSteps(validated, backups, operations),
            holders=nobody,
        )
        deploys = Deploys(
            validated,
            targets,
            database,
            operations,
            backups,
            posts,
            runbook_steps=runbooks.steps,
        )
        yield Bench(validated, database, targets, parts.engine, operations, deploys, parts.target)


def host_settings(site: Path, url: str, port: int, work: Path) -> dict[str, Any]:
    """The sample GrandVPS on this machine."""
    root = f"http://127.0.0.1:{port}"
    return {
        "data": work / "opsbell",
        "targets": {
            "grandvps": {
                "runtime": "host",
                "directory": site,
                "database": {"url": url},
                "maintenance": {"file": "maintenance_mode.txt", "url": f"{root}/"},
                "health": {"url": f"{root}/healthz", "within": "6s"},
                "services": {
                    "web": {
                        "restart": [sys.executable, "manage.py", "restart"],
                        "logs": "logs/app.log",
                    }
                },
                "deploy": {
                    "manage": [sys.executable, "manage.py"],
                    "leave_out": ["static"],
                    "watch": "2s",
                },
            }
        },
        "backups": {"grandvps": {"include": ["database"], "store": {"directory": work / "store"}}},
    }
