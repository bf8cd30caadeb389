"""What people type that looks like a secret is kept nowhere, nor is what would speak for Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import sql

from bot.errors import UsageError
from bot.playground import LocalSlack
from bot.slack.surface import Call, Command, Request
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import Edge, do, edge, note_of, panel

CANARY = "hunter22"


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False) as server:
        yield server


@pytest.fixture
async def bot(slack: LocalSlack, database: Database, queue: Queue) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue) as running:
        await slack.wait_connected(2)
        yield running


async def rows(database: Database) -> str:
    """Every row of the database, as text."""
    tables = await database.all("select tablename from pg_tables where schemaname = 'public'")
    found = []
    for table in tables:
        name = sql.Identifier(table["tablename"])
        found += await database.all(sql.SQL("select t::text as row from {} t").format(name))
    return "\n".join(row["row"] for row in found)


async def test_a_secret_in_a_note_is_not_kept(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    alice = slack.person("alice")
    async with edge(slack, database, queue, work=False) as bot:
        await slack.wait_connected(2)
        await bot.client.chat_postMessage(channel="C0OPS00001", **panel().as_json())
        await alice.click(slack.messages("ops")[-1], "Note")
        view = await note_of(alice)
        assert (await alice.submit(view, {"note": f"it was hunter\x0022, or {CANARY}"})).closed
        assert (await alice.command(f"/backup now token={CANARY}", "ops")).acked
        waiting = await rows(database)
        assert "it was ***, or ***" in waiting
        assert CANARY not in waiting
    workers = Queue(database)
    await workers.open()
    async with edge(slack, database, workers) as bot:
        assert sorted(await bot.until_deeds(2)) == ["it was ***, or ***", "now token=***"]
        await bot.settled()
        assert CANARY not in await rows(database)


def parse_names(request: Request) -> Call:
    """A command that knows two names."""
    if request.text not in ("api-key:old", CANARY):
        raise UsageError("There is no such key.")
    return Call("backup", change=do)


async def test_names_that_look_like_secrets_are_left_to_commands(
    slack: LocalSlack, bot: Edge
) -> None:
    bot.surface.add(Command("rotate", "Renew a key", (), parse_names))
    for number, name in enumerate(("api-key:old", CANARY), start=1):
        await slack.person("alice").say(f"@opsbell rotate {name}", "ops")
        assert (await bot.until_deeds(number))[-1] == name


async def test_a_job_that_failed_holds_nothing_to_speak_with(
    slack: LocalSlack, bot: Edge, database: Database
) -> None:
    await database.execute("alter table events rename to away")
    outcome = await slack.person("alice").command(f"/backup now {CANARY}", "ops")
    assert outcome.acked
    async with asyncio.timeout(10):
        while not await database.first("select 1 from procrastinate_jobs where status = 'failed'"):
            await asyncio.sleep(0.02)
    [job] = await database.all("select * from procrastinate_jobs where queue_name = 'requests'")
    assert job["args"]["request"]["text"] == "now ***"
    kept = await rows(database)
    for secret in (CANARY, outcome.response_url, outcome.trigger_id):
        assert secret
        assert secret not in kept
