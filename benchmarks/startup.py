"""From exec to ready, and resident memory: Opsbell beside a bare Bolt app, in turn."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.apps import BARE, OPSBELL, gone, start, team, write_config
from benchmarks.figures import Figure
from bot.playground import LocalSlack
from tests.parts.process import ChildProcess

FIRST = f"{OPSBELL}, first start"
SETTLE = 2.0  # seconds from ready to the look at the memory
MIB = 2**20
HEADINGS = {
    "connected": "connected, s",
    "ready": "ready, s",
    "memory": "memory, MiB",
    "postgres": "PostgreSQL's, MiB",
}

Measured = dict[str, dict[str, list[float]]]


async def measure(rounds: int) -> Measured:
    """The figures of each round by app and name of the figure.

    `connected` is the time to the hello of the first socket, `ready` that to `/readyz`, with
    PostgreSQL started by Opsbell itself; bare Bolt is ready once it is connected.
    """
    measured: Measured = defaultdict(lambda: defaultdict(list))
    async with LocalSlack(team()) as slack:
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="opsbell-bench-") as directory:
                config = write_config(Path(directory))
                for name in (BARE, FIRST, OPSBELL):
                    for figure, value in (await _start(name, config, slack)).items():
                        measured[name][figure].append(value)
    return measured


async def _start(name: str, config: Path, slack: LocalSlack) -> dict[str, float]:
    began = time.perf_counter()
    async with start(BARE if name == BARE else OPSBELL, config, slack) as process:
        await slack.wait_connected(timeout=60)
        found = {"connected": time.perf_counter() - began}
        if name != BARE:
            await _ready(process)
        found["ready"] = time.perf_counter() - began
        await asyncio.sleep(SETTLE)
        found["memory"] = psutil.Process(process.pid).memory_info().rss / MIB
        if name != BARE:
            found["postgres"] = _postgres_memory(config.parent) / MIB
    await gone(slack)
    return found


async def _ready(process: ChildProcess) -> None:
    port = (await process.wait_for_line(r"http server started port=(\d+)"))[1]
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.01)


def _postgres_memory(directory: Path) -> int:
    """Bytes of the embedded server's processes; what they share is counted once."""
    pid = (directory / "var/postgres/postmaster.pid").read_text().splitlines()[0]
    postmaster = psutil.Process(int(pid))
    every = (postmaster, *postmaster.children(recursive=True))
    found = 0
    for process in every:
        with suppress(psutil.NoSuchProcess):  # a backend that ended meanwhile
            found += process.memory_full_info().pss
    return found


def figures(measured: Measured) -> dict[str, dict[str, Figure]]:
    """What the rounds come to, by app and name of the figure."""
    return {
        name: {figure: Figure(tuple(values)) for figure, values in found.items()}
        for name, found in measured.items()
    }


def table(measured: Measured) -> Table:
    """The figures beside one another."""
    shown = Table(title="From exec on: median of the rounds (least-most)")
    shown.add_column("app")
    for heading in HEADINGS.values():
        shown.add_column(heading, justify="right")
    for name, found in figures(measured).items():
        shown.add_row(name, *(str(found.get(key, "")) for key in HEADINGS))
    return shown


def main(arguments: list[str] | None = None) -> None:
    """The program's entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each, in turn (default 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    measured = asyncio.run(measure(asked.rounds))
    if asked.json:
        found = figures(measured)
        rows = {
            name: {key: each.as_json() for key, each in of.items()} for name, of in found.items()
        }
        print(json.dumps(rows, indent=2))
    else:
        Console(width=120).print(table(measured))


if __name__ == "__main__":
    main()
