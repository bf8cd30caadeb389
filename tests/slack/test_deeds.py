"""The jobs of requests while Slack says nothing of people, and while everybody is busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.playground import LocalSlack
from bot.slack import deeds
from bot.slack.surface import Kind, Request
from bot.store.database import Database
from bot.store.inbox_line import Entry
from bot.store.queue import Queue
from tests.slack.edge import Edge, edge, named_looked_up, panel


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False) as server:
        yield server


@pytest.fixture
async def bot(slack: LocalSlack, database: Database, queue: Queue) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue) as running:
        await slack.wait_connected(2)
        await named_looked_up(slack)
        await running.client.chat_postMessage(channel="C0OPS00001", **panel().as_json())
        yield running


async def test_what_was_acked_waits_until_slack_says_who_may(slack: LocalSlack, bot: Edge) -> None:
    slack.faults.error("users.info", "internal_error")
    assert (await slack.person("eve").tick(slack.messages("ops")[-1], "box")).acked
    assert await bot.until_deeds(1) == ["1"]
    _, *calls = slack.calls_to("users.info")
    assert [call.error for call in calls] == ["internal_error", None]
    assert await bot.events("click.refused") == []


async def test_what_slack_never_says_is_refused_in_the_end(
    slack: LocalSlack, bot: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deeds, "PATIENCE", timedelta())
    slack.faults.error("users.info", "internal_error", times=None)
    eve = slack.person("eve")
    await eve.tick(slack.messages("ops")[-1], "box")
    await eve.wait_for_ephemeral("ops", "Slack does not say at the moment who is one.")
    [refusal] = await bot.events("click.refused")
    assert refusal["detail"]["why"] == "Slack did not say who has the role"
    assert await bot.deeds() == []


async def test_work_that_has_waited_gives_way_no_more(
    bot: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deeds, "GIVES_WAY", timedelta(minutes=1))
    monkeypatch.setattr(bot.inbox, "quiet", asyncio.Event().wait)
    asked = Request(Kind.COMMAND, "command:1", "backup", "U0ALICE001", "C0OPS00001", text="now")
    for key, age in (("new", 0), ("old", 61)):
        request = asked.as_json() | {"key": key, "text": f"now {key}"}
        await bot.inbox.take(Entry(key, {"request": request, "taken_at": time.time() - age}))
    assert await bot.until_deeds(1) == ["now old"]
