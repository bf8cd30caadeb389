"""Restores a set's database in a process of its own: SETTINGS.json SET DATABASE.

Says how long that took, in seconds, and how much memory, in bytes, before it and at most.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from bot.backups.dump_jobs import usable_cores
from bot.backups.model import MANIFEST, Manifest
from bot.config.settings import Settings
from bot.restores.loading import dump_of, load
from bot.restores.meter import LoadMeter
from bot.restores.server import Server
from bot.restores.statistics import MOST_JOBS
from bot.targets.targets import Targets
from tests.backups.child import peak_memory


class Nobody:
    """Hears of progress."""

    async def progress(self, note: str, share: float | None = None) -> None:
        """Tells nobody."""


async def main(settings: str, directory: str, database: str) -> None:
    """Loads the set's database into an empty one, as a restore does before its swap."""
    wanted = json.loads(await asyncio.to_thread(Path(settings).read_text))
    validated = Settings.model_validate(wanted)
    path = Path(directory)
    manifest = Manifest.model_validate_json(await asyncio.to_thread((path / MANIFEST).read_bytes))
    async with Targets(validated) as targets:
        target = targets.get(manifest.target)
        server = Server(target, "opsbell benchmark")
        before = peak_memory()
        began = time.monotonic()
        jobs = min(MOST_JOBS, await usable_cores(target, server.service))
        await load(
            server,
            dump_of(path, manifest.tables),
            database,
            jobs=jobs,
            meter=LoadMeter(Nobody()),
        )
        took = time.monotonic() - began
    print(f"seconds {took:.3f}, jobs {jobs}, memory before {before}, peak {peak_memory()}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
