"""The sample GrandVPS running on this machine, with its releases in a git repository."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bot.cancelling import end
from bot.demo import releases
from bot.demo.children import Child, kept
from bot.demo.files import write_settings
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.environment import for_children
from tests.deploys.bench import Bench, host_settings, open_bench
from tests.parts.compose_project import run
from tests.parts.network import free_port
from tests.parts.postgres import PostgresServer

MIGRATIONS = ("0001_initial", "0002_indexes")


@dataclass(frozen=True)
class Site:
    """A running GrandVPS: its directory, its repository, its database and its address."""

    directory: Path
    origin: Path
    url: str
    port: int

    async def get(self, path: str) -> tuple[int, str]:
        """What a page answers, 0 where nothing does."""
        try:
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}{path}")
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    async def runs(self, version: str) -> bool:
        """Whether visitors meet a release, well and open."""
        status, _ = await self.get("/")
        return status == 200 and await self.get("/healthz") == (200, f"ok {version}\n")

    async def git(self, *arguments: str) -> str:
        """git in the work tree."""
        return (await run("git", "-C", str(self.directory), *arguments)).strip()

    def applied(self) -> list[str]:
        """The migrations that the database has had."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("select name from django_migrations order by id")
            return [str(name) for (name,) in rows]


@pytest.fixture
async def site(tmp_path: Path, postgres: PostgresServer) -> AsyncIterator[Site]:
    """GrandVPS 1.4.0, running; whoever touches its restart.txt gets a new process."""
    with postgres.new_database() as url:
        origin, directory = tmp_path / "grandvps.git", tmp_path / "grandvps"
        assert releases.make(origin, directory)
        with psycopg.connect(url) as connection:
            for name in MIGRATIONS:
                connection.execute((directory / f"migrations/{name}.sql").read_bytes())
                insert = "insert into django_migrations (app, name) values ('grandvps', %s)"
                connection.execute(insert, (name,))
        write_settings(directory, url)
        port = free_port()
        web = Child(
            "the web process",
            ("manage.py", "runserver"),
            cwd=directory,
            environment=for_children(os.environ) | {"PORT": str(port)},
            log=tmp_path / "web.log",
            tell=lambda sentence: None,
        )
        found = Site(directory, origin, url, port)
        async with kept(web):
            supervisor = asyncio.create_task(_restart_when_asked(directory, web))
            async with asyncio.timeout(60):
                while not await found.runs("1.4.0"):
                    await asyncio.sleep(0.05)
            yield found
            await end([supervisor])


async def _restart_when_asked(directory: Path, web: Child) -> None:
    file, seen = directory / "tmp/restart.txt", 0
    while True:
        await asyncio.sleep(0.05)
        with contextlib.suppress(FileNotFoundError):
            if (now := file.stat().st_mtime_ns) != seen:
                seen = now
                await web.restart()


@pytest.fixture
def settings(site: Site, tmp_path: Path) -> dict[str, Any]:
    """The configuration for it."""
    return host_settings(site.directory, site.url, site.port, tmp_path)


@pytest.fixture
async def host(settings: dict[str, Any], database: Database, queue: Queue) -> AsyncIterator[Bench]:
    """Deploys to it."""
    async with open_bench(settings, database, queue) as bench:
        yield bench


async def commit(origin: Path, work: Path, name: str, *, onto: str = "main") -> str:
    """A commit that adds a file, pushed to the branch `work`; its ID."""

    def git(*arguments: str, cwd: Path = work) -> str:
        settings = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        return subprocess.run(
            ("git", *settings, *arguments), cwd=cwd, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("clone", "--quiet", str(origin), str(work), cwd=origin)
    git("checkout", "--quiet", "-B", "work", onto)
    (work / name).parent.mkdir(parents=True, exist_ok=True)
    (work / name).write_text("from the repository\n")
    git("add", "--force", name)
    git("commit", "--quiet", "--message", f"Add {name}")
    git("push", "--quiet", "--force", "origin", "work")
    return git("rev-parse", "HEAD")
