"""`/opsbell`: help that knows what one may do, and the status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.app import slack_commands
from bot.cli_twins import TWINS
from bot.config.settings import Settings
from bot.playground import LocalSlack
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import SETTINGS, Edge, edge


async def nothing() -> None:
    """A job of Opsbell's own."""


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False) as server:
        yield server


@pytest.fixture
async def bot(slack: LocalSlack, database: Database, queue: Queue) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue) as running:
        await slack.wait_connected(2)
        yield running


@pytest.mark.parametrize("line", ["/opsbell", "/opsbell help"])
async def test_help_lists_every_command(slack: LocalSlack, bot: Edge, line: str) -> None:
    alice = slack.person("alice")
    await alice.command(line, "ops")
    answer = await alice.wait_for_ephemeral("ops", "/backup")
    for name in bot.surface.commands:
        assert answer.contains(f"/{name}")
        assert f"/{name}" in answer.text


@pytest.mark.parametrize(("who", "lacking"), [("alice", []), ("eve", ["operator", "admin"])])
async def test_help_marks_what_one_may_not(
    slack: LocalSlack, bot: Edge, who: str, lacking: list[str]
) -> None:
    person = slack.person(who)
    await person.command("/opsbell help", "ops")
    answer = await person.wait_for_ephemeral("ops", "/backup")
    marked = [role for role in ("operator", "admin") if answer.contains(f"Needs the role {role}")]
    assert marked == lacking


@pytest.mark.parametrize("name", ["backup", "/backup", "BACKUP"])
async def test_help_on_one_command(slack: LocalSlack, bot: Edge, name: str) -> None:
    alice = slack.person("alice")
    await alice.command(f"/opsbell help {name}", "ops")
    answer = await alice.wait_for_ephemeral("ops", "You may use it.")
    assert answer.contains("/backup now [PARTS]")
    assert answer.contains("Take a backup")
    assert answer.contains("/backup now database")


async def test_help_on_a_command_that_is_not(slack: LocalSlack, bot: Edge) -> None:
    outcome = await slack.person("alice").command("/opsbell help bakcup", "ops")
    assert outcome.response is not None
    assert outcome.response.contains("There is no command bakcup. Did you mean backup?")


async def test_help_speaks_of_commands_as_they_are_typed(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    settings = {**SETTINGS, "slack": {"command_prefix": "gv-"}}
    async with edge(slack, database, queue, settings=settings):
        await slack.wait_connected(2)
        alice = slack.person("alice")
        await alice.command("/gv-opsbell help gv-backup", "ops")
        await alice.wait_for_ephemeral("ops", "/gv-backup now [PARTS]")


async def test_the_status(slack: LocalSlack, bot: Edge, queue: Queue) -> None:
    # What Opsbell does for itself, such as a timer, is nothing that anybody waits for.
    queue.handle("timer", nothing)
    async with bot.database.transaction() as tx:
        await queue.defer(tx, "timer", {}, at=datetime.now(UTC) + timedelta(hours=1))
    alice = slack.person("alice")
    await alice.command("/opsbell status", "ops")
    answer = await alice.wait_for_ephemeral("ops", "Opsbell 0.")
    assert answer.contains("2 sockets, last heard")
    assert answer.contains("Queue: nothing waits or runs")
    assert answer.contains("Daily maintenance")
    assert answer.contains("ok")


async def test_the_status_names_what_keeps_posts_waiting(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    # Opsbell is no member of #general, so what is to be said there waits.
    await alice.command("/backup public", "general")
    async with asyncio.timeout(20):
        while not await bot.database.all("select * from post_troubles"):
            await asyncio.sleep(0.05)
    await alice.command("/opsbell status", "ops")
    answer = await alice.wait_for_ephemeral("ops", "Opsbell 0.")
    assert answer.contains("trouble")
    assert answer.contains("1 message waiting for Slack")
    assert answer.contains("/invite")


async def test_usages_fit_a_phone_and_commands_come_in_their_order() -> None:
    commands = await slack_commands(Settings())
    assert [each.name for each in commands] == [*TWINS, "opsbell"]
    for command in commands:
        assert any(usage.example for usage in command.usages), command.name
        for usage in command.usages:
            assert len(usage.form) <= 36, usage.form
