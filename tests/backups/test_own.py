"""Opsbell's own database, backed up and restored with what the set says."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.backups.tools import commands
from tests.parts.postgres import PostgresServer
from tests.parts.process import ChildProcess, opsbell

pytestmark = pytest.mark.needs("zstd")


def configure(directory: Path, database: str) -> Path:
    """An Opsbell that has nothing but itself."""
    path = directory / "opsbell.yaml"
    path.write_text(f"""
database: "{database}"
data: ./var
backups:
  opsbell: {{include: [database, config], store: {{directory: ./backups}}}}
""")
    return path


async def ask(directory: Path, *words: str, status: int = 0) -> str:
    """What a command of the terminal prints."""
    async with opsbell(*words, cwd=directory) as process:
        assert await process.wait(timeout=60) == status, process.output
        return "\n".join(process.output)


async def newest(directory: Path) -> dict[str, Any]:
    listed = json.loads(await ask(directory, "backup", "list", "--target", "opsbell", "--json"))
    one: dict[str, Any] = listed["backups"][0]
    return one


async def restore(directory: Path, guide: Path) -> str:
    """Runs the commands of a RESTORE.md in a shell that finds the command opsbell."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = directory / "restore.sh"
    script.write_text(commands(guide))
    argv = ("bash", "-euo", "pipefail", str(script))
    async with ChildProcess(*argv, cwd=directory, env={"PATH": path}) as process:
        assert await process.wait(timeout=120) == 0, process.output
        return "\n".join(process.output)


@pytest.mark.parametrize("kind", ["embedded", "url"])
async def test_it_starts_again_from_its_backup(
    kind: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    with postgres.new_database() as url:
        configure(tmp_path, url if kind == "url" else "embedded")
        await ask(tmp_path, "backup", "now", "--target", "opsbell")
        first = await newest(tmp_path)
        assert {file["path"] for file in first["manifest"]["files"]} >= {"config.tar.zst"}
        await ask(tmp_path, "backup", "now", "database", "--target", "opsbell")
        assert "operation:2" in await ask(tmp_path, "audit")
        key = (tmp_path / "var" / "audit.key").read_bytes()
        (tmp_path / "var" / "audit.key").write_bytes(b"another key, as on a new machine")

        said = await restore(tmp_path, Path(first["path"]) / "RESTORE.md")

        assert "Restored; 1 operation that had not ended will not go on." in said
        assert (tmp_path / "var" / "audit.key").read_bytes() == key
        audit = await ask(tmp_path, "audit")
        assert "operation:2" not in audit
        assert "opsbell.restored" in audit
        await ask(tmp_path, "audit", "verify")
        await ask(tmp_path, "backup", "now", "--target", "opsbell")
        await ask(tmp_path, "audit", "verify")
        await ask(tmp_path, "database", "--", "psql", "-XAtc", "table missing", status=1)
        if kind == "url":
            name = urlsplit(url).path.removeprefix("/")
            postgres.execute(f'drop database "{name}_before_{first["id"]}"')


async def test_the_tools_wait_until_nobody_works_on_it(tmp_path: Path) -> None:
    configure(tmp_path, "embedded")
    env = {"SLACK_BOT_TOKEN": "xoxb-none", "SLACK_APP_TOKEN": "xapp-none"}
    env["SLACK_API_URL"] = "http://127.0.0.1:1/"
    async with opsbell("run", cwd=tmp_path, env=env) as running:
        await running.wait_for_line("http server started")
        # Its workers begin a moment later.
        async with asyncio.timeout(120):
            while True:
                argv = ("database", "--", "psql", "-XAtc", "select 1")
                async with opsbell(*argv, cwd=tmp_path) as tool:
                    if await tool.wait(timeout=120):
                        break
        assert tool.output[0].startswith("An Opsbell is running on this database. Stop it first")
