"""Configured runbooks on a target of this machine, run by the real engine; Slack is away."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.config.settings import Settings
from bot.operations.engine import Engine
from bot.operations.model import Operation
from bot.operations.service import Operations
from bot.operations.states import OperationState
from bot.others import OtherSteps
from bot.restores.service import Restores
from bot.runbooks.service import Runbooks
from bot.store.database import Database
from bot.store.queue import Queue
from tests.parts.target import new_maintenance, open_parts

ALICE = "slack:U0ALICE001"


@dataclass
class Bench:
    """Everything that runs configured runbooks."""

    settings: Settings
    database: Database
    engine: Engine
    operations: Operations
    runbooks: Runbooks

    async def request(self, runbook: str, /, **given: str) -> int:
        """Plans a runbook and queues it, as its person would."""
        rule = f"runbook {runbook}"
        operation = await self.operations.preview(rule, "grandvps", given, actor=ALICE)
        async with self.database.transaction() as tx:
            await self.operations.confirm(tx, operation.id, actor=ALICE, typed="grandvps")
        return operation.id

    async def run(self, runbook: str, /, **given: str) -> Operation:
        """Runs a runbook to its end, as the queue's worker would."""
        number = await self.request(runbook, **given)
        await self.work(number)
        return await self.operations.get(number)

    async def work(self, number: int) -> None:
        """The queue's job of an operation."""
        await self.engine.run(number)

    async def done(self, runbook: str, /, **given: str) -> Operation:
        """Runs a runbook that has to go well."""
        operation = await self.run(runbook, **given)
        assert operation.state is OperationState.DONE, (operation.error, operation.output)
        return operation


async def holders(role: str, actor: str) -> Sequence[str]:
    """Who else holds a role."""
    assert actor == ALICE
    return {"admin": ["U0BOB00001", "U0CAROL001"]}.get(role, [])


@contextlib.asynccontextmanager
async def open_bench(settings: Mapping[str, Any], database: Database) -> AsyncIterator[Bench]:
    """Runbooks with these settings, whose one target is called grandvps."""
    queue = Queue(database)
    await queue.open()
    async with open_parts(settings, database, queue) as parts:
        validated, targets, operations = parts.settings, parts.targets, parts.operations
        backups, maintenance = parts.backups, new_maintenance(parts)
        Restores(validated, targets, operations, backups, maintenance, database, queue)
        others = OtherSteps(validated, backups, operations)
        runbooks = Runbooks(
            validated, targets, database, parts.posts, operations, others, holders=holders
        )
        yield Bench(validated, database, parts.engine, operations, runbooks)
