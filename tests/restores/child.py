"""Runs one operation in a process of its own: SETTINGS.json DATABASE_URL NUMBER DOOM.

It kills itself at its doom: `before NAME` or `after NAME` of the statements that a restore sends,
or in the middle of one, once the server has it.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from bot.restores import databases, files_here, files_in_service, keeping, swapping
from bot.restores.server import Server
from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.queue import Queue
from tests.restores.bench import open_bench


def die() -> None:
    """What SIGKILL does, at this very point."""
    os.kill(os.getpid(), signal.SIGKILL)


def doom(when: str, name: str) -> None:
    """Has the process die before or after a piece of work, or some time into it."""
    module = {
        "create": databases,
        "copy_properties": databases,
        "exchange": swapping,
        "keep": keeping,
        "begin": files_here,
        "files": files_here,
        "move": files_in_service,
    }[name]
    attribute = "exchange" if name == "files" else name
    work = getattr(module, attribute)

    def now(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            die()
        result = work(*arguments, **named)
        die()
        return result

    async def awaited(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            die()
        if when.replace(".", "").isdigit():
            asyncio.get_running_loop().call_later(float(when), die)
        result = await work(*arguments, **named)
        die()
        return result

    replaced = awaited if asyncio.iscoroutinefunction(work) else now
    for each in list(sys.modules.values()):
        if getattr(each, attribute, None) is work:
            setattr(each, attribute, replaced)


def doom_statements(what: str) -> None:
    """Has the process die as soon as a statement was sent to the server."""
    ask = Server.ask

    async def asked(self: Server, told: str, *arguments: Any, **named: Any) -> Any:
        if told.startswith(what):
            asyncio.get_running_loop().call_later(float(os.environ["DOOM_DELAY"]), die)
        return await ask(self, told, *arguments, **named)

    mock.patch.object(Server, "ask", asked).start()


async def main(settings: str, database_url: str, number: str, *doomed: str) -> None:
    """Opens everything and runs the operation."""
    if doomed[0] == "statement":
        doom_statements(doomed[1])
    else:
        doom(*doomed)
    async with Database(database_url, EventLog(b"a key for tests")) as database:
        queue = Queue(database)
        await queue.open()
        wanted = json.loads(await asyncio.to_thread(Path(settings).read_text))
        async with open_bench(wanted, database, queue) as bench:
            await bench.backups.engine.run(int(number))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
