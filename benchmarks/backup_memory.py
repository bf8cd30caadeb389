"""How much memory a large dump takes: Opsbell's peak during one against what it had before.

    python -m benchmarks.backup_memory [--gigabytes 5] [--compose]

The database holds what cannot be compressed, so all of it goes through Opsbell; it needs twice
its size on the disk. With --compose it runs in a container and the dump comes through Docker.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.migrate import migrate
from bot.store.queue import Queue
from bot.words import duration, size
from tests.backups.conftest import compose_settings, host_settings, open_bench
from tests.backups.sample import fill_with_noise, make_application
from tests.parts.compose_project import new_project
from tests.parts.postgres import PostgresServer, postgres_server
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[1]
LIMIT = 64 << 20


async def measure(settings: dict[str, Any], database_url: str, directory: Path) -> tuple[int, int]:
    """Backs the database up in a child process; its memory before that and at most, in bytes."""
    file = directory / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    async with Database(database_url, EventLog(b"a key for tests")) as database:
        await migrate(database)
        queue = Queue(database)
        await queue.open()
        async with open_bench(settings, database, queue) as bench:
            number = await bench.request("database")
            argv = (sys.executable, "-m", "tests.backups.child", str(file), database_url)
            began = time.monotonic()
            async with ChildProcess(*argv, str(number), cwd=ROOT) as child:
                said = await child.wait_for_line(r"memory before (\d+), peak (\d+)", timeout=7200)
            (found,) = await bench.backups.sets(bench.target)
            assert found.good, found.trouble
            took = time.monotonic() - began
            print(f"dump {size(found.good.part_size('database'))} in {duration(took)}")
    return int(said[1]), int(said[2])


@contextlib.contextmanager
def application(
    directory: Path, server: PostgresServer, megabytes: int, *, compose: bool
) -> Iterator[dict[str, Any]]:
    """A target with that much data; its settings."""
    store = directory / "store"
    if compose:
        project = new_project(directory)
        project.start()
        try:
            fill_with_noise(project.database_url, megabytes)
            yield compose_settings(project, store)
        finally:
            project.remove()
    else:
        make_application(directory / "application")
        with server.new_database() as url:
            fill_with_noise(url, megabytes)
            yield host_settings(directory / "application", url, store)


def main() -> int:
    """Measures once, says the figures, and fails above the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--compose", action="store_true")
    options = parser.parse_args()
    megabytes = int(options.gigabytes * 1000)
    with (
        tempfile.TemporaryDirectory(prefix="opsbell-bench-") as name,
        postgres_server() as server,
        server.new_database() as own,
        application(Path(name), server, megabytes, compose=options.compose) as settings,
    ):
        before, peak = asyncio.run(measure(settings, own, Path(name)))
    print(f"memory before {size(before)}, at most {size(peak)}: {size(peak - before)} more")
    return 0 if peak - before < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
