"""A database that is worth several sessions, and a machine that always has two cores to spare."""

import asyncio
from pathlib import Path

import psycopg

from bot.backups import database, dump_jobs
from bot.backups.catalogue import HIDDEN
from bot.targets.model import Target
from tests.backups.sample import fill_with_noise
from tests.backups.trouble import PATIENCE

TABLES = 6


def fill_tables(url: str, megabytes: int) -> None:
    """Tables of so many megabytes each, which no compression makes smaller."""
    fill_with_noise(url, megabytes)
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(1, TABLES):
            table = f"noise_{number}"
            connection.execute(f"create table {table} (like noise including storage)".encode())
            connection.execute(f"insert into {table} select * from noise".encode())


async def two_cores(target: Target, service: str | None) -> int:
    """What a calm machine has; the one that runs the tests may be busy."""
    return 2


def always_several() -> None:
    """For a process of its own: it dumps by two sessions, however little there is."""
    dump_jobs.WORTH_IT = 1 << 20
    vars(database)["spare_cores"] = two_cores


async def mid_directory(store: Path) -> Path:
    """Waits until a directory dump is being written; the directory."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for directory in store.glob(f"{HIDDEN}*/database"):
                if sum(file.stat().st_size for file in directory.iterdir()) > 1 << 20:
                    return directory
            await asyncio.sleep(0.01)
