"""Drills as the team meets them: `opsbell run` beside the local Slack, and the terminal."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from tests.drills.tools import scratch_containers, wait_for_scratch
from tests.parts.compose_project import ComposeProject
from tests.parts.house import (
    app_slack,
    compose_target,
    host_target,
    running_opsbell,
    slack_environment,
    write_config,
)
from tests.parts.process import opsbell

# A scratch server gets little of a busy machine, on purpose.
pytestmark = pytest.mark.timeout(600)

PATIENCE = 180


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with app_slack() as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path, database_url: str, application_url: str) -> Path:
    """An application on this machine."""
    asserted = 'assertions: ["select count(*) = 1000 from users"]'
    return write_config(tmp_path, database_url, host_target(tmp_path, application_url, asserted))


async def backed_up(slack: LocalSlack) -> None:
    await slack.person("alice").command("/backup now", channel="ops")
    await slack.wait_for_message(channel="ops", text="Backup of grandvps · done", timeout=PATIENCE)


async def test_a_drill_and_what_it_says_of_its_set(
    config: Path, slack: LocalSlack, tmp_path: Path
) -> None:
    alice = slack.person("alice")
    async with running_opsbell(config, slack):
        await backed_up(slack)
        (path,) = (tmp_path / "backups" / "grandvps").iterdir()
        await alice.command("/backup verify latest", channel="ops")
        head = f"Restore drill of grandvps {path.name}"
        done = await slack.wait_for_message(channel="ops", text=f"{head} · done", timeout=PATIENCE)
        assert "rows in 7 tables as in the manifest" in done.plain
        assert "1 assertion true" in done.plain
        await alice.command("/backup show", channel="ops")
        shown = await alice.wait_for_ephemeral(channel="ops", text="drilled ")
        # From here on the set is bad: the channel is alarmed, and the list says it.
        archive = path / "media.tar.zst"
        content = archive.read_bytes()
        archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        await alice.click(shown, "Verify")
        alarm = await slack.wait_for_message(
            channel="ops",
            where=lambda m: m.contains("failed") and m.contains("Take a new one now"),
            timeout=PATIENCE,
        )
        assert alarm.contains("media.tar.zst does not have the checksum")
        await alice.command("/backup list", channel="ops")
        await alice.wait_for_ephemeral(channel="ops", text="cannot be trusted")


async def test_the_terminal_makes_one_while_no_opsbell_runs(
    config: Path, slack: LocalSlack
) -> None:
    said = ""
    for word in ("now", "verify"):
        environment = slack_environment(slack)
        async with opsbell("backup", word, cwd=config.parent, env=environment) as process:
            assert await process.wait(timeout=PATIENCE) == 0, process.output
            said = "\n".join(process.output)
    assert "7 tables as in the manifest" in said
    assert "1 assertion true" in said


@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_killed_in_the_middle_the_next_start_clears_up_and_says_so(
    grandvps: ComposeProject, slack: LocalSlack, tmp_path: Path, database_url: str
) -> None:
    target = compose_target(grandvps, backups=tmp_path / "backups")
    config = write_config(tmp_path, database_url, target)
    async with running_opsbell(config, slack) as process:
        await backed_up(slack)
        await slack.person("alice").command("/backup verify", channel="ops")
        await wait_for_scratch(grandvps)
        await process.kill9()
    assert await scratch_containers(grandvps)
    async with running_opsbell(config, slack):
        told = await slack.wait_for_message(
            channel="ops", text="Interrupted during", timeout=PATIENCE
        )
        assert "could not be undone" not in told.plain
        async with asyncio.timeout(PATIENCE):
            while await scratch_containers(grandvps):
                await asyncio.sleep(0.1)
        await slack.person("alice").command("/backup verify", channel="ops")
        await slack.wait_for_message(
            channel="ops",
            where=lambda m: m.contains("Restore drill") and m.contains("· done"),
            timeout=PATIENCE,
        )
    assert await scratch_containers(grandvps) == []
