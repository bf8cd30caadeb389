"""Runs one operation in a process of its own: SETTINGS.json DATABASE_URL NUMBER.

It can be killed; and it says how much memory it took, in bytes, before the operation and at most.
"""

import asyncio
import json
import sys
from pathlib import Path

from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.queue import Queue
from tests.backups.conftest import open_bench


async def main(settings: str, database_url: str, number: str) -> None:
    """Opens everything and runs the operation."""
    async with Database(database_url, EventLog(b"a key for tests")) as database:
        queue = Queue(database)
        await queue.open()
        wanted = json.loads(await asyncio.to_thread(Path(settings).read_text))
        async with open_bench(wanted, database, queue) as bench:
            before = peak_memory()
            await bench.engine.run(int(number))
            print(f"memory before {before}, peak {peak_memory()}", flush=True)


def peak_memory() -> int:
    """The most bytes of memory that this process has had so far (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
