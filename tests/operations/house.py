"""Operations over a real database and queue, with step kinds that can be watched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.errors import Failed
from bot.operations.model import Operation, StepContext
from bot.operations.plan import Plan, PlannedStep
from bot.operations.service import Operations
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue

ALICE, BOB, CAROL = "slack:U0ALICE001", "slack:U0BOB00001", "slack:U0CAROL001"

LIMIT = 60.0
"""Seconds that an operation gets. Up to 10 s of them go by before a dead process's job is given to
another, and some more where the one who would take it was paused itself."""


@dataclass
class Recorder:
    """A step kind that writes down what happens to it, and fails or hangs on request."""

    log: list[str] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    broken: str = ""
    fails: int = 1_000
    hangs: str = ""
    undo_fails: bool = False
    was_done: tuple[str, ...] = ()

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        name = str(context.step.planned.arguments["name"])
        self.log.append(f"run {name}")
        if writes := context.step.planned.arguments.get("writes"):
            await context.output(str(writes))
        await context.progress(f"{name} half way", 0.5)
        if name == self.hangs:
            self.began.set()
            await asyncio.sleep(3600)
        if name == self.broken and self.fails:
            self.fails -= 1
            raise Failed("pg_dump ended with status 1.", output="connection lost")
        return {"note": f"{name}, 3 files", "files": 3}

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        name = str(context.step.planned.arguments["name"])
        return {"note": f"{name} was done"} if name in self.was_done else None

    async def undo(self, context: StepContext) -> None:
        self.log.append(f"undo {context.step.planned.arguments['name']}")
        if self.undo_fails:
            raise PermissionError("read-only")


def step(name: str, **said: Any) -> PlannedStep:
    """A step that writes down what happens to it."""
    writes = said.pop("writes", None)
    arguments = {"name": name} | ({"writes": writes} if writes else {})
    return PlannedStep("record", name.title(), arguments, **said)


def plan(*names: str, target: str = "grandvps") -> Plan:
    """A plan of such steps."""
    return plan_of(*map(step, names), target=target)


def plan_of(*steps: PlannedStep, target: str = "grandvps", **said: Any) -> Plan:
    """The same, with all that can be said about steps and plan."""
    facts = {"id": "20261122T020000Z"}
    return Plan("backup", f"Backup {target}", target, steps, facts, **said)


@dataclass
class House:
    """Operations over a real queue; Slack is not there, as in an outage."""

    database: Database
    queue: Queue
    operations: Operations
    recorder: Recorder

    async def request(self, wanted: Plan, key: str | None = None) -> int:
        async with self.database.transaction() as tx:
            return await self.operations.request(
                tx, wanted, actor=ALICE, reason="manual", request_key=key
            )

    async def ended(self, number: int) -> Operation:
        async with asyncio.timeout(LIMIT):
            while not (operation := await self.operations.get(number)).state.final:
                await asyncio.sleep(0.02)
        return operation

    async def reached(self, number: int, state: OperationState) -> Operation:
        """The operation once it is in a state."""
        async with asyncio.timeout(LIMIT):
            while (operation := await self.operations.get(number)).state is not state:
                await asyncio.sleep(0.02)
        return operation

    async def said(self, number: int) -> str:
        row = await self.database.one(
            "select message::text as text from posts where key = %s", (f"operation:{number}",)
        )
        return str(row["text"])

    async def events(self, number: int) -> list[str]:
        rows = await self.database.all(
            "select action from events where subject = %s order by id", (f"operation:{number}",)
        )
        return [row["action"] for row in rows]
