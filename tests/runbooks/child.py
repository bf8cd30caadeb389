"""Runs one operation in a process of its own, to be killed: SETTINGS.json DATABASE_URL NUMBER."""

import asyncio
import json
import sys
from pathlib import Path

from bot.store.database import Database
from bot.store.events import EventLog
from tests.runbooks.bench import open_bench


async def main(settings: str, database_url: str, number: str) -> None:
    """Opens everything and runs the operation."""
    async with Database(database_url, EventLog(b"a key for tests")) as database:
        wanted = json.loads(await asyncio.to_thread(Path(settings).read_text))
        async with open_bench(wanted, database) as bench:
            await bench.engine.run(int(number))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
