"""Runs one operation in a process of its own: SETTINGS.json DATABASE_URL NUMBER [KIND WHEN].

It kills itself `before` or `after` a step of that kind does its work; after it, but before its end
is committed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.maintenance.steps import OffStep, OnStep
from bot.operations.model import StepContext
from bot.operations.work_step import WorkStep
from bot.runbooks.kinds_git import Git
from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.queue import Queue
from tests.deploys.bench import open_bench


def doom(code: type[WorkStep[Any] | Git | OnStep | OffStep], kind: str, when: str) -> None:
    """Makes a step of the kind end this process."""
    run = code.run

    async def doomed(self: Any, context: StepContext) -> Mapping[str, Any]:
        is_meant = context.step.planned.kind == kind
        if is_meant and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await run(self, context)
        if is_meant:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(code, "run", doomed)  # noqa: B010 - a method is no attribute to be assigned


async def main(
    settings: str, database_url: str, number: str, kind: str = "", when: str = ""
) -> None:
    """Opens everything and runs the operation."""
    for code in (WorkStep, Git, OnStep, OffStep):
        doom(code, kind, when)
    async with Database(database_url, EventLog(b"a key for tests")) as database:
        queue = Queue(database)
        await queue.open()
        wanted = json.loads(await asyncio.to_thread(Path(settings).read_text))
        async with open_bench(wanted, database, queue) as bench:
            await bench.engine.run(int(number))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
