"""The whole house: `opsbell run` on a real Compose project, with people in the local Slack."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from bot.playground import LocalSlack, Message
from tests.parts.compose_project import ComposeProject, run
from tests.parts.house import (
    app_slack,
    compose_target,
    running_opsbell,
    shows,
    slack_environment,
    write_config,
)
from tests.parts.process import opsbell

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")

CHECKLISTS = """
checks:
  app-logs: {kind: logs, target: grandvps, service: web, pattern: ERROR, within: 24h, crit: 1}
  payments: {kind: sql, target: grandvps, query: "select count(*) from payments", warn: 1}
checklists:
  daily:
    title: Daily maintenance
    due: 4h
    items:
      - {text: Monitor application logs for errors, check: app-logs}
      - {text: Review failed payment transactions, check: payments}
      - Monitor VPS instance statuses
"""


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with app_slack() as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path, database_url: str, grandvps: ComposeProject) -> Path:
    target = compose_target(grandvps, backups=tmp_path / "backups")
    return write_config(tmp_path, database_url, target, CHECKLISTS)


def the_checklist(slack: LocalSlack) -> Message:
    [message] = [each for each in slack.messages("ops") if "Daily maintenance" in each.plain]
    return message


async def with_evidence(slack: LocalSlack) -> Message:
    """The checklist once both checks were read: the first reading may be shown alone."""
    return await slack.wait_for_message(
        channel="ops",
        text="evidence of",
        where=lambda message: "looking …" not in message.plain,
        timeout=60,
    )


async def finished_backup(slack: LocalSlack) -> Message:
    return await slack.wait_for_message(channel="ops", text="Backup of grandvps · done", timeout=60)


async def test_two_people_tick_one_backs_up_and_pg_restore_reads_it(
    slack: LocalSlack, config: Path, grandvps: ComposeProject
) -> None:
    alice, bob = slack.person("U0ALICE001"), slack.person("U0BOB00001")
    async with running_opsbell(config, slack) as process:
        assert (await alice.command("/checklist post daily", channel="ops")).acked
        await with_evidence(slack)
        stale = the_checklist(slack)
        assert "(limit 1)" in stale.plain, stale.plain
        await asyncio.gather(
            alice.tick(stale, "Monitor application logs for errors"),
            bob.tick(stale, "Monitor VPS instance statuses"),
        )
        await slack.wait_for_message(channel="ops", text="2 of 3")
        assert (await alice.command("/backup now", channel="ops")).acked
        done = await finished_backup(slack)
    [found] = (config.parent / "backups/grandvps").iterdir()
    manifest = json.loads((found / "manifest.json").read_text())
    assert manifest["by"] == "slack:U0ALICE001"
    await restored_equals(grandvps, found / "database.dump", manifest["tables"])
    everything = "\n".join([*process.output, *(m.plain for m in slack.messages("ops"))])
    assert grandvps.canary not in everything
    assert "database" in done.plain


async def restored_equals(grandvps: ComposeProject, dump: Path, tables: dict[str, int]) -> None:
    """Restores with nothing but pg_restore and counts each table's rows."""
    container = grandvps.container("db")
    await grandvps.psql("create database proof")
    await run("docker", "cp", str(dump), f"{container}:/tmp/proof.dump")
    restore = ("pg_restore", "--exit-on-error", "--username", grandvps.user, "--dbname", "proof")
    await grandvps.exec("db", *restore, "/tmp/proof.dump")
    assert tables
    for table, rows in tables.items():
        assert int(await grandvps.psql(f"select count(*) from {table}", "proof")) == rows
    await grandvps.psql("drop database proof")


async def test_a_restart_posts_nothing_twice_and_keeps_every_tick(
    slack: LocalSlack, config: Path
) -> None:
    alice = slack.person("U0ALICE001")
    async with running_opsbell(config, slack) as process:
        await alice.command("/checklist post daily", channel="ops")
        await with_evidence(slack)
        await alice.tick(the_checklist(slack), "Monitor VPS instance statuses")
        await process.kill9()
    async with running_opsbell(config, slack):
        await slack.wait_for_message(channel="ops", text="1 of 3", timeout=60)
        assert (await alice.command("/opsbell status", channel="ops")).acked
        the_checklist(slack)


async def test_a_mention_in_a_thread_does_what_the_command_does(
    slack: LocalSlack, config: Path
) -> None:
    alice = slack.person("U0ALICE001")
    async with running_opsbell(config, slack):
        await alice.command("/checklist post daily", channel="ops")
        parent = await slack.wait_for_message(channel="ops", text="Daily maintenance")
        await alice.say("@opsbell backup now config", channel="ops", thread=parent)
        await finished_backup(slack)


async def test_who_has_no_role_is_refused_and_the_refusal_is_audited(
    slack: LocalSlack, config: Path, database_url: str
) -> None:
    eve = slack.person("U0EVE00001")
    async with running_opsbell(config, slack):
        await eve.command("/backup now", channel="ops")
        refusal = await eve.wait_for_ephemeral(channel="ops", text="operator")
        assert "U0ALICE001" in refusal.plain
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select actor, outcome from events").fetchall()
        assert ("slack:U0EVE00001", "refused") in rows
        assert connection.execute("select count(*) from operations").fetchone() == (0,)


async def test_a_secret_of_the_target_is_found_nowhere(
    slack: LocalSlack, config: Path, grandvps: ComposeProject, database_url: str
) -> None:
    """It stands in the environment file, in a URL and in the log that a check reads."""
    alice = slack.person("U0ALICE001")
    async with running_opsbell(config, slack) as process:
        await alice.command("/checklist post daily", channel="ops")
        await alice.click(await with_evidence(slack), "Details")
        details = await alice.wait_for_view(30, shows("could not connect to postgresql://"))
        await alice.command(f"/backup show {grandvps.canary}", channel="ops")
        await alice.command("/backup now", channel="ops")
        await finished_backup(slack)
        # pg_dump's own words name the role it may not sign in as.
        await grandvps.psql("alter database grandvps_prod allow_connections false", "postgres")
        await alice.command("/backup now database", channel="ops")
        await slack.wait_for_message(channel="ops", text="Backup of grandvps failed", timeout=60)
        await grandvps.psql("alter database grandvps_prod allow_connections true", "postgres")
    said = [json.dumps(details.blocks), *process.output]
    said += [json.dumps(each.blocks) + each.text for each in slack.messages("ops")]
    said += [slack.file_bytes(each).decode(errors="replace") for each in slack.files]
    kept = every_row(database_url)
    written = [
        path.read_text()
        for path in (config.parent / "backups").rglob("*")
        if path.name in ("manifest.json", "RESTORE.md", "globals.sql")
    ]
    assert len(written) == 3
    for text in (*said, *written):
        assert grandvps.canary not in text
    # What a person typed is theirs, but neither the audit nor the queue may keep a secret.
    assert grandvps.canary not in kept


def every_row(url: str) -> str:
    """All of Opsbell's own database, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select format('%I', tablename) from pg_tables where schemaname = 'public'"
        ).fetchall()
        rows = [
            row
            for (table,) in tables
            for (row,) in connection.execute(f"select each::text from {table} as each").fetchall()
        ]
    assert rows
    return "\n".join(rows)


async def test_the_terminal_does_the_same_with_nothing_running(
    slack: LocalSlack, config: Path
) -> None:
    """And Slack is told by the next Opsbell that runs."""
    env = slack_environment(slack)
    async with opsbell("backup", "now", "config", cwd=config.parent, env=env) as process:
        assert await process.wait(timeout=60) == 0
    assert any("Backup of grandvps · done" in line for line in process.output)
    async with opsbell("backup", "list", "--json", cwd=config.parent, env=env) as process:
        assert await process.wait(timeout=30) == 0
    [listed] = json.loads("\n".join(process.output))["backups"]
    assert listed["manifest"]["target"] == "grandvps"
    async with running_opsbell(config, slack):
        await finished_backup(slack)


async def test_the_terminal_follows_what_a_running_opsbell_does(
    slack: LocalSlack, config: Path
) -> None:
    async with (
        running_opsbell(config, slack),
        opsbell("backup", "now", "config", cwd=config.parent) as terminal,
    ):
        assert await terminal.wait(timeout=60) == 0
        await finished_backup(slack)
    assert any("Backup of grandvps · done" in line for line in terminal.output)


async def test_the_terminal_says_why_a_backup_failed(
    config: Path, grandvps: ComposeProject
) -> None:
    await grandvps.psql("alter database grandvps_prod allow_connections false", "postgres")
    async with opsbell("backup", "now", "database", cwd=config.parent) as process:
        assert await process.wait(timeout=60) == 1
    await grandvps.psql("alter database grandvps_prod allow_connections true", "postgres")
    assert any("not currently accepting connections" in line for line in process.output)


async def test_a_usage_error_in_the_terminal_ends_with_2_and_shows_the_usage(config: Path) -> None:
    async with opsbell("backup", "nwo", cwd=config.parent) as process:
        assert await process.wait(timeout=30) == 2
    assert any("Did you mean now?" in line for line in process.output)


async def test_missing_tokens_end_with_2_and_name_each(config: Path) -> None:
    async with opsbell("run", cwd=config.parent) as process:
        assert await process.wait(timeout=30) == 2
    assert [line.split(":")[1].strip() for line in process.output] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
    ]
