"""A restic repository on a server that asks for a password; Opsbell is killed while it sends."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from psycopg import sql

from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import Bench, open_bench
from tests.backups.sample import make_application
from tests.backups.test_killed import child
from tests.backups.test_restic import PASSWORD, make, restic_settings
from tests.backups.trouble import PATIENCE
from tests.parts.network import free_port
from tests.parts.process import ChildProcess

pytestmark = pytest.mark.needs("restic", "rclone")

SIGN_IN = "canary%2Fsign%40in"
SECRETS = (PASSWORD, SIGN_IN, "canary/sign@in")


@contextlib.asynccontextmanager
async def serving(directory: Path, port: int, *options: str) -> AsyncIterator[None]:
    """A server for repositories below `directory`."""
    argv = ("rclone", "serve", "restic", "--addr", f"127.0.0.1:{port}")
    account = ("--user", "backup", "--pass", "canary/sign@in")
    async with ChildProcess(*argv, *account, *options, str(directory), cwd=directory) as server:
        await server.wait_for_line(r"Serving restic REST API")
        yield


@pytest.fixture
def settings(tmp_path: Path, application_url: str) -> dict[str, Any]:
    make_application(tmp_path / "application")
    (tmp_path / "served").mkdir()
    address = f"rest:http://backup:{SIGN_IN}@127.0.0.1:{free_port()}/grandvps"
    return restic_settings(tmp_path, application_url, repository=address)


def port_of(settings: dict[str, Any]) -> int:
    address: str = settings["backups"]["grandvps"]["store"]["restic"]["repository"]
    return int(address.rpartition(":")[2].partition("/")[0])


@pytest.fixture
async def bench(settings: dict[str, Any], database: Database, queue: Queue) -> AsyncIterator[Bench]:
    """Backups of an application on this machine into a repository on a server."""
    async with open_bench(settings, database, queue) as bench:
        yield bench


def running(data: Path) -> list[psutil.Process]:
    """The restic processes, whoever started them, that keep their cache below `data`."""
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "restic":
            with contextlib.suppress(psutil.Error):
                if process.environ().get("RESTIC_CACHE_DIR", "").startswith(str(data)):
                    found.append(process)
    return found


async def sending(data: Path) -> tuple[psutil.Process, list[str]]:
    """The restic that sends a set just now, and its command line."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for process in running(data):
                with contextlib.suppress(psutil.Error):
                    if "backup" in (argv := process.cmdline()):
                        return process, argv
            await asyncio.sleep(0.02)


async def rows_that_say(bench: Bench, secrets: tuple[str, ...]) -> list[str]:
    """What Opsbell has kept that holds a secret."""
    found = []
    for table in ("operations", "steps", "events", "posts", "outputs", "procrastinate_jobs"):
        rows = await bench.database.all(
            sql.SQL("select t::text as row from {} t").format(sql.Identifier(table))
        )
        found += [row["row"] for row in rows if any(secret in row["row"] for secret in secrets)]
    return found


async def test_secrets_go_to_restic_alone(
    bench: Bench, settings: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path / "served", port_of(settings)):
        making = asyncio.create_task(make(bench))
        _, argv = await sending(tmp_path / "data")
        manifest = await making
        async with bench.backups.fetched(bench.target, manifest.id, ["database"]) as directory:
            assert (directory / "globals.sql").exists()
            guide = (directory / "RESTORE.md").read_text()
    await bench.run("logs")  # the server is gone
    operation = (await bench.operations.last("backup", bench.target))[0]
    assert operation.state is OperationState.FAILED
    assert "connection refused" in operation.error
    for text in (" ".join(argv), guide, caplog.text, operation.error, operation.output):
        assert not [secret for secret in SECRETS if secret in text]
    assert await rows_that_say(bench, SECRETS) == []


async def test_killed_while_it_sends(
    bench: Bench, settings: dict[str, Any], tmp_path: Path, database_url: str
) -> None:
    port, data = port_of(settings), tmp_path / "data"
    (tmp_path / "application" / "logs" / "noise.log").write_bytes(os.urandom(30_000_000))
    number = await bench.request("logs")
    async with serving(tmp_path / "served", port, "--bwlimit", "1M"):
        async with child(settings, tmp_path, database_url, number) as opsbell:
            left, _ = await sending(data)
            await opsbell.kill9()
        assert len(list(bench.store.glob(".partial-*"))) == 1
        with contextlib.suppress(psutil.NoSuchProcess):
            left.suspend()  # else a broken pipe ends it, sooner or later
        await bench.engine.run(number)
        assert running(data) == []
    operation = await bench.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert "during «Publish»" in operation.error
    assert "could not be undone" not in operation.error
    assert list(bench.store.glob(".partial-*")) == []
    async with serving(tmp_path / "served", port):
        assert await bench.backups.sets(bench.target) == []
        await make(bench, "logs")


async def test_killed_right_after_it_was_sent(
    bench: Bench, settings: dict[str, Any], tmp_path: Path, database_url: str
) -> None:
    async with serving(tmp_path / "served", port_of(settings)):
        number = await bench.request("logs")
        async with child(settings, tmp_path, database_url, number, "after the snapshot") as opsbell:
            assert await opsbell.wait(timeout=PATIENCE) != 0
        assert (await bench.operations.get(number)).state is OperationState.RUNNING
        await bench.engine.run(number)
        operation = await bench.operations.get(number)
        assert (operation.state, operation.error) == (OperationState.DONE, "")
        [found] = await bench.backups.sets(bench.target)
        assert found.good
        assert operation.results()["backup.publish"]["set"] == found.id
        assert list(bench.store.glob(".partial-*")) == []
