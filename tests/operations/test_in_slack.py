"""Plans, approvals and buttons as people meet them: `opsbell run` and the local Slack."""

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.backups.model import MANIFEST, Manifest
from bot.playground import LocalSlack, Message
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

ACCESS = "access: {backup: {role: operator, approvals: 1}}"


@pytest.fixture
def config(tmp_path: Path, database_url: str, application_url: str) -> Path:
    target = host_target(tmp_path, application_url, "keep: {last: 1}")
    return write_config(tmp_path, database_url, ACCESS, target)


@pytest.fixture
async def slack(config: Path) -> AsyncIterator[LocalSlack]:
    async with app_slack() as opened, running_opsbell(config, opened):
        yield opened


def make_sets(store: Path) -> None:
    """Two sets, of which the rules keep one."""
    for name in ("20261120T020000Z", "20261121T020000Z"):
        started = datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        manifest = Manifest(
            id=name,
            target="grandvps",
            started=started,
            finished=started,
            reason="schedule",
            by="opsbell",
            tool_versions={},
            revision=None,
            tables={},
            files=(),
        )
        (store / name).mkdir(parents=True)
        (store / name / MANIFEST).write_text(manifest.model_dump_json())


async def waiting(slack: LocalSlack) -> Message:
    return await slack.wait_for_message(channel="ops", text="Waits for 1 approval")


async def test_a_colleague_with_the_role_approves_and_nobody_else(slack: LocalSlack) -> None:
    alice, bob, carol = (slack.person(name) for name in ("alice", "bob", "carol"))
    await alice.command("/backup now", channel="ops")
    message = await waiting(slack)
    assert "@Bob Brown" in message.plain or "U0BOB00001" in message.plain
    # Who thinks better of it has approved nothing.
    await bob.click(message, "Approve", confirm=False)
    await alice.click(message, "Approve")
    await alice.wait_for_ephemeral(channel="ops", text="asked for themselves")
    await carol.click(message, "Approve")
    await carol.wait_for_ephemeral(channel="ops", text="takes the role operator")
    await bob.click(message, "Approve")
    done = await slack.wait_for_message(channel="ops", text="Backup of grandvps · done", timeout=60)
    assert done.ts == message.ts
    assert "Approved by" in done.plain


async def test_a_refusal_is_told_and_nothing_runs(slack: LocalSlack) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    await alice.command("/backup now", channel="ops")
    await bob.click(await waiting(slack), "Refuse")
    told = await slack.wait_for_message(channel="ops", text="Backup of grandvps · refused")
    assert "Refused by" in told.plain


async def test_the_plan_is_shown_and_nothing_runs(slack: LocalSlack) -> None:
    alice = slack.person("alice")
    await alice.command("/backup now —plan", channel="ops")
    plan = await alice.wait_for_ephemeral(channel="ops", text="Backup of grandvps")
    assert "pg_dump" in plan.plain
    assert "Needs 1 approval by operator." in plan.plain
    assert slack.messages("ops") == []
    # As `/backup now` itself: no further question, but the approval.
    await alice.click(plan, "Run")
    await alice.click(await waiting(slack), "Plan")
    view = await alice.wait_for_view(30, shows("pg_dump"))
    assert view.title == "Plan"


async def test_a_plan_is_confirmed_in_its_modal_and_then_approved(
    slack: LocalSlack, tmp_path: Path
) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    await alice.command("/backup prune", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="Nothing to remove: there is no backup")
    make_sets(tmp_path / "backups" / "grandvps")
    await alice.command("/backup prune", channel="ops")
    view = await alice.wait_for_view(30, shows("Needs 1 approval by operator."))
    assert slack.messages("ops") == []
    await alice.submit(view)
    await bob.click(await waiting(slack), "Approve")
    await slack.wait_for_message(channel="ops", text="· done", timeout=30)


async def test_by_mention_the_plan_has_a_button_that_opens_the_modal(
    slack: LocalSlack, tmp_path: Path
) -> None:
    alice = slack.person("alice")
    make_sets(tmp_path / "backups" / "grandvps")
    await alice.say("@opsbell backup prune", channel="ops")
    shown = await alice.wait_for_ephemeral(channel="ops", text="Nothing has been run")
    await alice.click(shown, "Go on")
    await alice.submit(await alice.wait_for_view(30, shows("Prune")))
    assert (await waiting(slack)).ts


async def test_the_terminal_waits_for_approval_or_breaks_the_glass(
    slack: LocalSlack, config: Path
) -> None:
    environment = slack_environment(slack)
    words = ("backup", "now", "--break-glass", "Slack is slow tonight")
    async with opsbell(*words, cwd=config.parent, env=environment) as process:
        assert await process.wait(timeout=60) == 0, process.output
    loud = await slack.wait_for_message(channel="ops", text="goes on without approval")
    assert "Slack is slow tonight" in loud.plain
    assert f"@{socket.gethostname()} at the terminal" in loud.plain
    make_sets(config.parent / "backups" / "grandvps")
    async with opsbell("backup", "prune", cwd=config.parent, env=environment) as process:
        assert await process.wait(timeout=30) == 2
        said = " ".join(process.output)
        assert "Nothing was changed. Add --yes to run it." in said
        assert "Needs 1 approval by operator." in said
    async with opsbell("backup", "now", cwd=config.parent, env=environment) as process:
        await process.wait_for_line("Waits for 1 approval by .* or .* until")
        asked = await waiting(slack)
        assert "by <@U0ALICE001> or <@U0BOB00001> until" in asked.plain
        assert f"@{socket.gethostname()}. Whoever typed this does not approve it." in asked.plain
        await slack.person("bob").click(asked, "Approve")
        assert await process.wait(timeout=60) == 0, process.output
