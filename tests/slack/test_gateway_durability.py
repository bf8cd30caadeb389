"""What was acked happens once, and what was not taken says so: kills and lost databases."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from bot.store.database import Database
from bot.store.queue import Queue
from tests.parts.postgres import PostgresServer
from tests.parts.process import ChildProcess
from tests.parts.tcp_proxy import TcpProxy
from tests.slack.edge import DEEDS, Edge, edge, note_of, panel
from tests.store.patience import PATIENCE, impatient

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(
        rate_limits=False, retry_delays=(0.0, 0.02), ack_timeout=PATIENCE.total_seconds()
    ) as server:
        yield server


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(str(postgres.socket_directory), 5432) as opened:
        yield opened


@pytest.fixture
async def bot(
    slack: LocalSlack, database: Database, queue: Queue, proxy: TcpProxy
) -> AsyncIterator[Edge]:
    """The edge, whose requests reach PostgreSQL through the proxy."""
    name = database.url.partition("@/")[2].partition("?")[0]
    far = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
    async with edge(slack, database, queue, inbox_url=far, limit=PATIENCE) as running:
        await slack.wait_connected(2)
        assert (await slack.person("alice").command("/backup now first", "ops")).acked
        assert await running.until_deeds(1) == ["now first"]
        yield running


def process(slack: LocalSlack, database: Database, mode: str) -> ChildProcess:
    module = ("-m", "tests.slack.edge_process", slack.api_url, slack.bot_token, slack.app_token)
    return ChildProcess(sys.executable, *module, database.url, mode, cwd=ROOT)


async def test_what_was_acked_outlives_the_process(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    async with process(slack, database, "ack-only") as child:
        await slack.wait_connected(2, timeout=30)
        outcome = await slack.person("alice").command("/backup now", "ops")
        await child.kill9()
    assert outcome.acked
    assert outcome.response is None
    assert await database.all("select * from deeds") == []
    async with edge(slack, database, queue) as bot:
        assert await bot.until_deeds(1) == ["now"]
        await slack.person("alice").wait_for_ephemeral("ops", "Done: now.")
        await bot.settled()
        assert await bot.deeds() == ["now"]


async def test_killed_at_any_moment_after_the_ack_it_happens_once(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    await database.execute(DEEDS)
    expected = []
    for pause in (0.0, 0.002, 0.005, 0.01):
        async with process(slack, database, "work") as child:
            await slack.wait_connected(2, timeout=30)
            outcome = await slack.person("alice").command(f"/backup now {pause}", "ops")
            assert outcome.acked
            await asyncio.sleep(pause)
            await child.kill9()
        expected.append(f"now {pause}")
        async with asyncio.timeout(10):
            while slack.sockets.connections:
                await asyncio.sleep(0.01)
    async with edge(slack, database, queue) as bot:
        # Jobs of the dead are given to the living once they are found stalled.
        await bot.until_deeds(len(expected), limit=60)
        await bot.settled()
        assert sorted(await bot.deeds()) == sorted(expected)


@pytest.mark.parametrize("trouble", ["refuse", "hold"])
async def test_with_postgresql_away_the_ack_says_that_nothing_was_taken(
    slack: LocalSlack, bot: Edge, proxy: TcpProxy, trouble: str
) -> None:
    alice = slack.person("alice")
    if trouble == "refuse":
        proxy.refuse()
        proxy.cut()
    else:
        proxy.hold()
    with impatient(bot.inbox):
        outcome = await alice.command("/backup now lost", "ops")
    assert outcome.acked
    assert outcome.response is not None
    assert outcome.response.contains("Not done: Opsbell's own database does not answer.")
    proxy.resume()
    again = await alice.command("/backup now again", "ops")
    assert again.response is None
    assert await bot.until_deeds(2) == ["now first", "now again"]
    await bot.settled()
    assert await bot.deeds() == ["now first", "now again"]


async def test_a_lost_connection_costs_no_request(
    slack: LocalSlack, bot: Edge, proxy: TcpProxy
) -> None:
    proxy.cut()
    outcome = await slack.person("alice").command("/backup now again", "ops")
    assert outcome.response is None
    assert await bot.until_deeds(2) == ["now first", "now again"]


async def test_a_click_that_was_not_taken_is_told(
    slack: LocalSlack, bot: Edge, proxy: TcpProxy
) -> None:
    await bot.client.chat_postMessage(channel="C0OPS00001", **panel().as_json())
    shown = slack.messages("ops")[-1]
    alice = slack.person("alice")
    proxy.refuse()
    proxy.cut()
    with impatient(bot.inbox):
        assert (await alice.click(shown, "Go")).acked
    await alice.wait_for_ephemeral("ops", "Not done: Opsbell's own database does not answer.")


async def test_a_form_that_was_not_taken_stays_open_and_can_be_sent_again(
    slack: LocalSlack, bot: Edge, proxy: TcpProxy
) -> None:
    await bot.client.chat_postMessage(channel="C0OPS00001", **panel().as_json())
    alice = slack.person("alice")
    await alice.click(slack.messages("ops")[-1], "Note")
    view = await note_of(alice)
    proxy.refuse()
    proxy.cut()
    with impatient(bot.inbox):
        refused = await alice.submit(view, {"note": "looks fine"})
    assert refused.errors["note"].startswith("Not done:")
    proxy.resume()
    taken = await alice.submit(view, {"note": "looks fine"})
    assert taken.closed
    assert await bot.until_deeds(2) == ["now first", "looks fine"]


async def test_a_mention_that_was_not_taken_is_told(
    slack: LocalSlack, bot: Edge, proxy: TcpProxy
) -> None:
    alice = slack.person("alice")
    proxy.refuse()
    proxy.cut()
    with impatient(bot.inbox):
        await alice.say("@opsbell backup now lost", "ops")
        await alice.wait_for_ephemeral("ops", "Not done: Opsbell's own database does not answer.")
    proxy.resume()
    await alice.command("/backup now again", "ops")
    await bot.until_deeds(2)
    await bot.settled()
    assert await bot.deeds() == ["now first", "now again"]
