"""Backups and restores: Opsbell beside the guide's commands and bare PostgreSQL tools, in turn."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.backup_away import AWAY, opsbell_away
from benchmarks.backup_data import fill_files, fill_many, fill_pgbench
from benchmarks.backup_ways import DATABASE, FILES, OPSBELL, Stage, Taken
from benchmarks.figures import Figure
from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.migrate import migrate
from bot.store.queue import Queue
from tests.backups.conftest import compose_settings, open_bench
from tests.parts.compose_project import ComposeProject, new_project
from tests.parts.postgres import postgres_server

WAYS = (*DATABASE, (AWAY, OPSBELL, opsbell_away))

Measured = dict[tuple[str, str, str], list[Taken]]
"""By data, half (backup, restore, or how long visitors are kept out) and who."""


async def measure(options: argparse.Namespace, place: Path, own: str) -> Measured:
    """Each kind of data in a project of its own, all ways of handling it in turn."""
    measured: Measured = defaultdict(list)
    for data in options.data:
        project = new_project(place / data, postgres=options.postgres)
        project.start()
        try:
            async with staged(project, place / data, own, options) as stage:
                await _fill(project, data, options)
                for number in range(options.rounds):
                    for half, who, work in FILES if data == "files" else WAYS:
                        taken = await work(stage)
                        measured[data, half, who].append(taken)
                        said = f"{data} {half} {who} {number + 1}: {taken.seconds:.1f} s"
                        print(said, file=sys.stderr, flush=True)
        finally:
            project.remove()
    return measured


async def _fill(project: ComposeProject, data: str, options: argparse.Namespace) -> None:
    if data == "pgbench":
        await fill_pgbench(project, options.scale)
    elif data == "tables":
        await fill_many(project, options.tables, options.rows)
    else:
        media = project.directory / "media"
        await asyncio.to_thread(fill_files, media, options.megabytes)
    await project.psql("vacuum analyze")


@asynccontextmanager
async def staged(
    project: ComposeProject, directory: Path, own: str, options: argparse.Namespace
) -> AsyncIterator[Stage]:
    """The project with Opsbell's backups of it."""
    settings = compose_settings(project, directory / "store")
    file = directory / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    async with Database(own, EventLog(b"a key for benchmarks")) as database:
        await migrate(database)
        queue = Queue(database)
        await queue.open()
        async with open_bench(settings, database, queue) as bench:
            compression = "zstd:1" if options.postgres >= 16 else "1"
            yield Stage(project, bench, file, own, directory, compression)


def table(measured: Measured) -> Table:
    """The medians, and what share of the others' time and size Opsbell's are."""
    shown = Table(title="median of the rounds (least-most)")
    for heading in ("data", "", "who"):
        shown.add_column(heading)
    for heading in ("seconds", "MB", "Opsbell's time", "Opsbell's size", "memory MiB"):
        shown.add_column(heading, justify="right")
    for (data, half, who), taken in measured.items():
        ours = measured[data, half, OPSBELL]
        shares = [
            f"{_median(ours, each) / _median(taken, each):.2f}"
            if who != OPSBELL and _median(taken, each)
            else ""
            for each in ("seconds", "size")
        ]
        memory = max(each.memory for each in taken) / (1 << 20)
        shown.add_row(
            data,
            half,
            who,
            str(Figure(tuple(each.seconds for each in taken))),
            f"{_median(taken, 'size') / 1e6:.0f}",
            *shares,
            f"{memory:.0f}" if who == OPSBELL else "",
        )
    return shown


def _median(taken: list[Taken], what: str) -> float:
    return Figure(tuple(getattr(each, what) for each in taken)).median


def as_json(measured: Measured) -> list[dict[str, object]]:
    """One row for each run."""
    return [
        {"data": data, "half": half, "who": who, **vars(each)}
        for (data, half, who), taken in measured.items()
        for each in taken
    ]


def main() -> None:
    """The program's entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backup", description=__doc__)
    data = ["pgbench", "tables", "files"]
    parser.add_argument("--data", nargs="+", choices=data, default=data)
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn (default 3)")
    parser.add_argument("--postgres", type=int, default=17, help="major version (17 or 15)")
    parser.add_argument("--scale", type=int, default=68, help="of pgbench: 68 is about 1 GB")
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--rows", type=int, default=9700, help="of a table, about")
    parser.add_argument("--megabytes", type=int, default=500, help="of files")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="opsbell-bench-") as place,
        postgres_server() as server,
        server.new_database() as own,
    ):
        measured = asyncio.run(measure(options, Path(place), own))
    if options.json:
        print(json.dumps(as_json(measured), indent=2))
    else:
        Console(width=120).print(table(measured))


if __name__ == "__main__":
    main()
