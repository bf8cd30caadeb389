"""Maintenance as the team meets it: `opsbell run` beside the local Slack, and a page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.maintenance.records import END_JOB
from bot.playground import ActingPerson, LocalSlack, Message
from bot.store.database import Database
from tests.maintenance.page import Page
from tests.parts.house import running_opsbell, write_config
from tests.parts.process import ChildProcess
from tests.parts.process import opsbell as opsbell_process
from tests.parts.visitor import visiting

PATIENCE = 30


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(commands={"/maintenance"}, rate_limits=False) as server:
        server.workspace.find_channel("ops").topic = "All about operations"
        yield server


@pytest.fixture
def config(tmp_path: Path, database: Database, page: Page) -> Path:
    target = f"""
timezone: Europe/Berlin
targets:
  grandvps:
    runtime: host
    directory: {page.file.parent}
    maintenance: {{file: maintenance_mode.txt, url: "{page.url}"}}
"""
    return write_config(tmp_path, database.url, target)


@pytest.fixture
async def opsbell(config: Path, slack: LocalSlack) -> AsyncIterator[ChildProcess]:
    async with running_opsbell(config, slack) as process:
        yield process


@pytest.fixture
def alice(slack: LocalSlack) -> ActingPerson:
    return slack.person("alice")


async def shows(slack: LocalSlack, text: str) -> Message:
    return await slack.wait_for_message("ops", text, timeout=PATIENCE)


async def until_topic(slack: LocalSlack, topic: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not slack.workspace.find_channel("ops").topic.startswith(topic):
            await asyncio.sleep(0.05)


async def status(page: Page) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(page.url)).status_code


async def test_on_and_off_with_one_live_message_and_the_topic(
    slack: LocalSlack, opsbell: ChildProcess, alice: ActingPerson, page: Page
) -> None:
    assert (await alice.command("/maintenance on Upgrade to 1.5 for 30m", "ops")).acked
    live = await shows(slack, "Visitors meet the maintenance page")
    assert live.contains("Upgrade to 1.5")
    assert live.contains("alerts of grandvps are held back")
    assert await status(page) == 503
    await until_topic(slack, "In maintenance: grandvps until ")
    assert slack.workspace.find_channel("ops").topic.endswith(" | All about operations")

    await alice.click(live, "Extend 30 min")
    await alice.wait_for_ephemeral("ops", "now lasts until", timeout=PATIENCE)
    live = await shows(slack, "Visitors meet the maintenance page")
    await alice.click(live, "End now")
    said = "The end of the maintenance was queued as operation"
    told = await alice.wait_for_ephemeral("ops", said, timeout=PATIENCE)
    assert told.contains("It is followed")
    over = await slack.wait_for_message(
        "ops", where=lambda m: m.contains("Maintenance of grandvps · over"), timeout=PATIENCE
    )
    assert over.ts == live.ts
    assert await status(page) == 200
    await until_topic(slack, "All about operations")


async def test_a_scheduled_one_begins_and_ends_by_itself(
    slack: LocalSlack, opsbell: ChildProcess, alice: ActingPerson, page: Page
) -> None:
    async with visiting(page.url) as visitor:
        assert (await alice.command("/maintenance schedule in 2s for 8s Short", "ops")).acked
        await shows(slack, "Maintenance of grandvps · over")
    assert visitor.statuses()[:2] == [200, 503]
    assert await status(page) == 200
    live = [each for each in slack.messages("ops") if each.contains("Maintenance of grandvps ·")]
    assert len(live) == 1


async def test_status_and_plan_answer_only_who_asked(
    slack: LocalSlack, opsbell: ChildProcess, alice: ActingPerson, page: Page
) -> None:
    await alice.command("/maintenance", "ops")
    told = await alice.wait_for_ephemeral("ops", "is not in maintenance", timeout=PATIENCE)
    assert told.contains("the page answers 200")
    await alice.command("/maintenance on Upgrade for 30m --plan", "ops")
    plan = await alice.wait_for_ephemeral("ops", "Maintenance of grandvps on", timeout=PATIENCE)
    assert plan.contains(f"create {page.file}")
    assert plan.contains("It ends by itself after 30 min")
    assert not page.file.exists()


async def test_without_the_right_to_set_the_topic_the_message_says_so(
    slack: LocalSlack, opsbell: ChildProcess, alice: ActingPerson
) -> None:
    slack.workspace.app.scopes -= {"channels:write.topic", "channels:manage"}
    await alice.command("/maintenance on", "ops")
    await shows(slack, "The channel's topic does not say it: the app lacks the right")
    assert slack.workspace.find_channel("ops").topic == "All about operations"


async def test_who_lacks_the_role_changes_nothing(
    slack: LocalSlack, opsbell: ChildProcess, page: Page
) -> None:
    eve = slack.person("eve")
    await eve.command("/maintenance on", "ops")
    await eve.wait_for_ephemeral("ops", "Not done", timeout=PATIENCE)
    assert not page.file.exists()


async def test_what_was_due_while_opsbell_was_dead_happens_at_once(
    slack: LocalSlack, config: Path, alice: ActingPerson, page: Page, database: Database
) -> None:
    async with running_opsbell(config, slack) as process:
        await alice.command("/maintenance on Upgrade for 30m", "ops")
        live = await shows(slack, "Visitors meet the maintenance page")
        await process.kill9()
    async with database.transaction() as tx:
        await tx.execute(
            "update procrastinate_jobs set scheduled_at = now() where task_name = %s", [END_JOB]
        )
    assert await status(page) == 503
    async with running_opsbell(config, slack):
        over = await slack.wait_for_message(
            "ops", where=lambda m: m.contains("Maintenance of grandvps · over"), timeout=PATIENCE
        )
        assert over.ts == live.ts
        assert await status(page) == 200


async def test_the_terminal_does_the_same_and_says_what_it_cannot(config: Path, page: Page) -> None:
    async def typed(*words: str) -> list[str]:
        async with opsbell_process("maintenance", *words, cwd=config.parent) as process:
            assert await process.wait(timeout=PATIENCE) == 0, process.output
            return process.output

    told = await typed("on", "Upgrade to 1.5", "for", "30m")
    assert "No Opsbell is running: nothing begins or ends by itself until one does." in told
    assert any("503 proven" in line for line in told)
    assert await status(page) == 503
    told = await typed("status")
    assert any("grandvps is in maintenance, until" in line for line in told)
    told = await typed("off")
    assert any("200 proven" in line for line in told)
    assert await status(page) == 200
