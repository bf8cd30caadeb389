"""What README.md has one type where no image is used, typed as it stands there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.playground import LocalSlack, Workspace
from tests.image.installation import ROOT, blocks, commands, until_answered
from tests.parts.compose_project import CommandFailedError, ComposeProject, run
from tests.parts.network import free_port
from tests.parts.process import ChildProcess

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image", "git")

README = ROOT / "README.md"
STRICT = ("bash", "-euo", "pipefail", "-c")


async def clone_beside_the_environment(directory: Path) -> None:
    """A clone of what is committed, with the environment that the tests run in.

    `make install` made that one too, from the same lock by the same rule; to it the clone's files
    look as old as they are, so that it does not make it again.
    """
    await run("git", "clone", "--quiet", str(ROOT), str(directory))
    stamp = ROOT / ".venv/.installed"
    assert stamp.exists()
    (directory / ".venv").symlink_to(ROOT / ".venv")
    for name in ("pyproject.toml", "requirements.lock"):
        os.utime(directory / name, (0, 0))


async def typed(script: str, where: Path, env: Mapping[str, str]) -> list[str]:
    """All that lines of a shell print. Raises CommandFailedError at the first that fails."""
    async with ChildProcess(*STRICT, script, cwd=where, env=env) as process:
        status = await process.wait(timeout=100)
    if status:
        raise CommandFailedError("\n".join((script, f"exit status {status}", *process.output)))
    return process.output


async def test_the_plain_install_runs_and_is_used_as_it_says(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    clone = tmp_path / "opsbell"
    await clone_beside_the_environment(clone)
    [_, plain] = blocks(README, "## Install it")
    [use] = blocks(README, "## Use")
    async with LocalSlack(Workspace.sample()) as slack:
        filled = plain.replace("--project grandvps", f"--project {grandvps.project}")
        filled = filled.replace("xoxb-…", slack.bot_token).replace("xapp-…", slack.app_token)
        *lines, check, last = commands(filled)
        # Another port than that of an Opsbell that may run here.
        port = f"sed -i s/127.0.0.1:8080/127.0.0.1:{free_port()}/ opsbell.yaml"
        env = {"SLACK_API_URL": slack.api_url}
        said = await typed("\n".join((*lines, port)), clone, env)
        assert any(line.endswith("Nothing to be done for 'install'.") for line in said), said
        assert "# Next: opsbell init" in said
        tokens = next(line for line in lines if line.startswith("export "))

        async def checked() -> str:
            return "\n".join(await typed(f"{tokens}\n{check}", clone, env))

        await until_answered(checked)
        async with ChildProcess(*STRICT, f"{tokens}\nexec {last}", cwd=clone, env=env) as process:
            await process.wait_for_line("opsbell started")
            await slack.wait_connected()
            path = {"PATH": f"{clone / '.venv/bin'}:{os.environ['PATH']}"}
            status, backup, listing, checklist, audit = [
                await typed(command, clone, path) for command in commands(use)
            ]
    assert any("Queue: " in line for line in status)
    assert any("Backup of" in line for line in backup)
    assert len(json.loads("\n".join(listing))["backups"]) == 1
    assert checklist
    assert any("operation.requested" in line for line in audit), audit
