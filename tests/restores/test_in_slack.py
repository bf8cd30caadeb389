"""`/restore` as people meet it: chosen in a modal, confirmed by the target's name, approved."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from bot.playground import LocalSlack
from bot.playground.modals import View
from tests.backups.sample import fill, make_application
from tests.parts.house import app_slack, running_opsbell, slack_environment, write_config
from tests.parts.postgres import PostgresServer
from tests.parts.process import opsbell
from tests.restores.world import databases, execute

ACCESS = "access: {restore: {role: operator, approvals: 1}}"


@pytest.fixture
def application(postgres: PostgresServer) -> Iterator[str]:
    with postgres.new_database() as url:
        fill(url)
        yield url


@pytest.fixture
def config(tmp_path: Path, database_url: str, application: str) -> Path:
    make_application(tmp_path / "app")
    target = f"""
targets:
  grandvps:
    runtime: host
    directory: {tmp_path}/app
    database: {{url: "{application}"}}
    files: {{media: media}}
backups:
  grandvps:
    include: [database, media]
    store: {{directory: {tmp_path}/backups}}
"""
    return write_config(tmp_path, database_url, ACCESS, target)


@pytest.fixture
async def slack(config: Path) -> AsyncIterator[LocalSlack]:
    async with app_slack() as opened, running_opsbell(config, opened):
        yield opened


def shows(text: str) -> Callable[[View], bool]:
    """Whether a modal shows a text."""
    return lambda view: text in json.dumps(view.blocks)


def users(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from users").fetchone()
    assert row
    return int(row[0])


async def test_chosen_confirmed_approved_and_undone(
    slack: LocalSlack, config: Path, application: str
) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    await alice.command("/restore", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="There is no backup of grandvps")
    await alice.command("/backup now", channel="ops")
    await slack.wait_for_message(channel="ops", text="Backup of grandvps · done", timeout=60)
    [path] = (config.parent / "backups" / "grandvps").iterdir()
    execute(application, "delete from users where id > 10")
    await alice.command("/restore", channel="ops")
    picker = await alice.wait_for_view(10, shows("Choose one"))
    await alice.submit(picker, {"Backup": path.name, "Parts": ["database"]})
    plan = await alice.wait_for_view(10, shows("alter database"))
    refused = await alice.submit(plan, {"name": "grandvsp"})
    assert "Type grandvps to confirm" in str(refused)
    await alice.submit(plan, {"name": "grandvps"})
    waits = await slack.wait_for_message(channel="ops", text="Waits for 1 approval")
    assert users(application) == 10
    await bob.click(waits, "Approve")
    await slack.wait_for_message(channel="ops", text="Restore grandvps from", timeout=10)
    await slack.wait_for_message(channel="ops", text=f"{path.name} · done", timeout=60)
    assert users(application) == 1000
    assert len(databases(application)) == 2
    await alice.command("/restore status", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="1 part of grandvps kept aside")
    environment = slack_environment(slack)
    words = ("restore", "undo", "--yes", "--break-glass", "It was the wrong one")
    async with opsbell(*words, cwd=config.parent, env=environment) as process:
        assert await process.wait(timeout=60) == 0, process.output
    assert users(application) == 10


async def test_the_plan_alone(slack: LocalSlack, application: str) -> None:
    alice = slack.person("alice")
    await alice.command("/backup now", channel="ops")
    await slack.wait_for_message(channel="ops", text="Backup of grandvps · done", timeout=60)
    await alice.command("/restore latest database —plan", channel="ops")
    plan = await alice.wait_for_ephemeral(channel="ops", text="Restore grandvps from")
    for told in ("pg_restore --exit-on-error", "_before_TIME", "Safety backup", "swapped back"):
        assert told in plan.plain
    await alice.command("/restore undo", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="There is no restore of grandvps to undo")
    assert len(databases(application)) == 1
