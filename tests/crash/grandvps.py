"""A small GrandVPS for each run: its database, its directory with releases, its web process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psycopg

from bot.cancelling import end
from bot.demo import releases
from bot.demo.children import Child, kept
from bot.demo.files import write_settings
from bot.targets.environment import for_children
from tests.parts.network import free_port

GRANDVPS = "crash_grandvps"
"""The database that runs copy."""

_MIGRATIONS = ("0001_initial", "0002_indexes")
_FIRST = Path(releases.__file__).parent / "grandvps/release/migrations"


def fill_grandvps(url: str) -> None:
    """The schema of GrandVPS's first release, and a few people."""
    with psycopg.connect(url) as connection:
        for name in _MIGRATIONS:
            connection.execute((_FIRST / f"{name}.sql").read_bytes())
            insert = "insert into django_migrations (app, name) values ('grandvps', %s)"
            connection.execute(insert, (name,))
        connection.execute("create table witness as select generate_series(1, 500) as id")


def grandvps_target(directory: Path, url: str) -> str:
    """The configuration of the one in the run's directory, whose port is chosen here."""
    port = free_port()
    (directory / "port").write_text(str(port))
    root = f"http://127.0.0.1:{port}"
    return f"""
access:
  restore: {{role: operator, approvals: 0}}
targets:
  grandvps:
    runtime: host
    directory: {directory}/grandvps
    database: {{url: "{url}"}}
    config: [.env.production]
    maintenance: {{file: maintenance_mode.txt, url: "{root}/"}}
    health: {{url: "{root}/healthz", within: 20s}}
    services:
      web: {{restart: [{sys.executable}, manage.py, restart], logs: logs/app.log}}
    deploy: {{manage: [{sys.executable}, manage.py], leave_out: [static], watch: 1s}}
backups:
  grandvps:
    include: [database]
    store: {{directory: {directory}/backups}}
    keep: {{last: 4}}
"""


@contextlib.asynccontextmanager
async def grandvps(directory: Path, url: str) -> AsyncIterator[None]:
    """GrandVPS 1.4.0 running in the run's directory."""
    site = directory / "grandvps"
    assert await asyncio.to_thread(releases.make, directory / "grandvps.git", site)
    write_settings(site, url)
    web = Child(
        "the web process",
        ("manage.py", "runserver"),
        cwd=site,
        environment=for_children(os.environ) | {"PORT": (directory / "port").read_text()},
        log=directory / "web.log",
        tell=lambda sentence: None,
    )
    async with kept(web):
        supervisor = asyncio.create_task(_restart_when_asked(site / "tmp/restart.txt", web))
        async with asyncio.timeout(60):
            while await answer(directory, "/healthz") != (200, "ok 1.4.0\n"):
                await asyncio.sleep(0.1)
        yield
        await end([supervisor])


async def answer(directory: Path, path: str) -> tuple[int, str]:
    """What a page of a run's GrandVPS answers, 0 where nothing does."""
    port = (directory / "port").read_text()
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            found = await client.get(f"http://127.0.0.1:{port}{path}")
    except httpx.TransportError:
        return 0, ""
    return found.status_code, found.text


async def _restart_when_asked(file: Path, web: Child) -> None:
    seen = 0
    while True:
        await asyncio.sleep(0.05)
        with contextlib.suppress(FileNotFoundError):
            if (now := file.stat().st_mtime_ns) != seen:
                seen = now
                await web.restart()
