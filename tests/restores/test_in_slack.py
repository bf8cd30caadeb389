"""`/restore` as people meet it: chosen in a modal, confirmed by the target's name, approved."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from bot.playground import LocalSlack, Message
from bot.restores import view
from tests.backups.conftest import application_url as application_url
from tests.parts.house import (
    app_slack,
    host_target,
    running_opsbell,
    shows,
    slack_environment,
    write_config,
)
from tests.parts.process import opsbell
from tests.restores.world import databases, execute

ACCESS = "access: {restore: {role: operator, approvals: 1}}"


@pytest.fixture
def config(tmp_path: Path, database_url: str, application_url: str) -> Path:
    return write_config(tmp_path, database_url, ACCESS, host_target(tmp_path, application_url))


@pytest.fixture
async def slack(config: Path) -> AsyncIterator[LocalSlack]:
    async with app_slack() as opened, running_opsbell(config, opened):
        yield opened


def undo_is_offered(message: Message, *, offered: bool = True) -> bool:
    """Whether a restore's message has the button of its undo, or was taken back and no longer."""
    state = "· done" if offered else "· taken back by operation"
    ended = message.contains("Restore grandvps from") and message.contains(state)
    return ended and (view.UNDO in json.dumps(message.blocks)) is offered


def users(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from users").fetchone()
    assert row
    return int(row[0])


async def test_chosen_confirmed_approved_and_undone(
    slack: LocalSlack, config: Path, application_url: str
) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    await alice.command("/restore", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="There is no backup of grandvps")
    await alice.command("/backup now", channel="ops")
    await slack.wait_for_message(channel="ops", text="Backup of grandvps · done", timeout=60)
    [path] = (config.parent / "backups" / "grandvps").iterdir()
    execute(application_url, "delete from users where id > 10")
    await alice.command("/restore", channel="ops")
    picker = await alice.wait_for_view(30, shows("Choose one"))
    # What the chosen backup holds can be ticked; the database is.
    await alice.select(picker, f"{view.CHOOSE}:grandvps", path.name)
    picker = await alice.wait_for_view(30, shows(f"{view.PARTS}:{path.name}"))
    assert "by @Alice" in json.dumps(picker.blocks)
    await alice.submit(picker)
    plan = await alice.wait_for_view(30, shows("alter database"))
    assert "by @Alice" in json.dumps(plan.blocks)
    assert "Move media in" not in json.dumps(plan.blocks)
    refused = await alice.submit(plan, {"name": "grandvsp"})
    assert "Type grandvps to confirm" in str(refused)
    await alice.submit(plan, {"name": "grandvps"})
    waits = await slack.wait_for_message(channel="ops", text="Waits for 1 approval")
    assert users(application_url) == 10
    await bob.click(waits, "Approve")
    await slack.wait_for_message(channel="ops", text="Restore grandvps from", timeout=30)
    done = await slack.wait_for_message(
        channel="ops", where=lambda m: undo_is_offered(m), timeout=60
    )
    assert not done.contains("in maintenance")
    assert users(application_url) == 1000
    assert len(databases(application_url)) == 2
    await alice.command("/restore status", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="1 part of grandvps kept aside")
    await alice.click(done, "Undo")
    undo = await alice.wait_for_view(30, shows("Undo the restore of grandvps"))
    assert "alter database" in json.dumps(undo.blocks)
    await alice.close(undo)
    environment = slack_environment(slack)
    words = ("restore", "undo", "--yes", "--break-glass", "It was the wrong one")
    async with opsbell(*words, cwd=config.parent, env=environment) as process:
        assert await process.wait(timeout=60) == 0, process.output
    assert users(application_url) == 10
    # What it had replaced is in place again, so there is nothing to undo.
    gone = await slack.wait_for_message(
        channel="ops", where=lambda m: undo_is_offered(m, offered=False), timeout=60
    )
    assert gone.ts == done.ts
    assert gone.contains("put back by operation")


async def test_the_plan_alone(slack: LocalSlack, application_url: str) -> None:
    alice = slack.person("alice")
    await alice.command("/backup now", channel="ops")
    await slack.wait_for_message(channel="ops", text="Backup of grandvps · done", timeout=60)
    await alice.command("/backup show", channel="ops")
    await alice.click(await alice.wait_for_ephemeral(channel="ops", text="not drilled"), "Restore")
    await alice.close(await alice.wait_for_view(30, shows(f"{view.PARTS}:20")))
    await alice.command("/restore latest database —plan", channel="ops")
    plan = await alice.wait_for_ephemeral(channel="ops", text="Restore grandvps from")
    for told in ("pg_restore --exit-on-error", "_before_TIME", "Safety backup", "swapped back"):
        assert told in plan.plain
    assert "maintenance on" not in plan.plain
    assert "the application is away for a moment" in plan.plain
    await alice.command("/restore undo", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="There is no restore of grandvps to undo")
    assert len(databases(application_url)) == 1
