"""Runs one operation in a process of its own: SETTINGS.json DATABASE_URL NUMBER [DOOM].

It can be killed, or kill itself at a DOOM; and it says how much memory it took, in bytes, before
the operation and at most.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.backups import disk
from bot.backups.catalogue import Catalogue
from bot.backups.restic_store import ResticStore
from bot.backups.set_store import Tell
from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.queue import Queue
from tests.backups.conftest import open_bench
from tests.backups.parallel import always_several


def die(*_: object) -> None:
    """What SIGKILL does, at this very point."""
    os.kill(os.getpid(), signal.SIGKILL)


def published_then_die(catalogue: Catalogue, partial: Path, name: str) -> None:
    """The rename, and then nothing any more."""
    partial.rename(catalogue.final(name))
    die()


_SEND = ResticStore.publish


async def sent_then_die(store: ResticStore, name: str, partial: Path, tell: Tell) -> None:
    """The snapshot, and then nothing any more: not even what is here is removed."""
    copy = partial.with_name(f"{partial.name}-copy")
    shutil.copytree(partial, copy)
    await _SEND(store, name, partial, tell)
    copy.rename(partial)
    die()


DOOMS: Mapping[str, Callable[[], None]] = {
    "": lambda: None,
    "after the rename": lambda: setattr(Catalogue, "publish", published_then_die),
    "by several sessions": always_several,
    "after the snapshot": lambda: setattr(ResticStore, "publish", sent_then_die),
    "in a removal": lambda: setattr(disk, "remove_directory", die),
}


async def main(settings: str, database_url: str, number: str, doom: str = "") -> None:
    """Opens everything and runs the operation."""
    DOOMS[doom]()
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
