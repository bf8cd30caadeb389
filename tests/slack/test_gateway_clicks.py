"""Clicks, checkboxes, modals and App Home, and what nobody listens to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.playground import LocalSlack, Message
from bot.slack import people
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import Edge, edge, named_looked_up, note_of, panel


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False, retry_delays=(0.0, 0.02)) as server:
        yield server


@pytest.fixture
async def bot(slack: LocalSlack, database: Database, queue: Queue) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue) as running:
        await slack.wait_connected(2)
        await named_looked_up(slack)
        yield running


@pytest.fixture
async def shown(slack: LocalSlack, bot: Edge) -> Message:
    """A message with controls, in #ops."""
    await bot.client.chat_postMessage(channel="C0OPS00001", **panel().as_json())
    return slack.messages("ops")[-1]


async def test_a_click_acts_and_is_audited(slack: LocalSlack, bot: Edge, shown: Message) -> None:
    alice = slack.person("alice")
    assert (await alice.click(shown, "Go")).acked
    await alice.wait_for_ephemeral("ops", "Done: 1.")
    assert await bot.deeds() == ["1"]
    [event] = await bot.events("click.taken")
    assert event["detail"]["text"] == "go 1"


async def test_a_double_click_acts_once(slack: LocalSlack, bot: Edge, shown: Message) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    await asyncio.gather(alice.click(shown, "Go"), alice.click(shown, "Go"))
    await bot.settled()
    assert await bot.deeds() == ["1"]
    # Another person's click is another wish.
    await bob.click(shown, "Go")
    await bot.settled()
    assert await bot.deeds() == ["1", "1"]


async def test_a_double_click_that_only_looks_is_answered_once(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    alice = slack.person("alice")
    await asyncio.gather(alice.click(shown, "Ask"), alice.click(shown, "Ask"))
    await alice.wait_for_ephemeral("ops", "Seen: ask.")
    # What comes later is answered later, so a second answer would stand before it.
    await alice.command("/backup list", "ops")
    await alice.wait_for_ephemeral("ops", "Seen: list.")
    assert len(alice.ephemerals("ops")) == 2


async def test_every_tick_of_a_checkbox_counts_in_order(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    alice = slack.person("alice")
    for _ in range(3):
        assert (await alice.tick(shown, "box")).acked
    await bot.settled()
    rows = await bot.database.all("select key, text from deeds")
    assert len(rows) == 3
    recorded = await bot.events("click.taken")
    assert [event["detail"]["text"] for event in recorded] == ["tick 1"] * 3


async def test_a_click_of_someone_who_may_not_is_refused(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    eve = slack.person("eve")
    await eve.click(shown, "Go")
    await eve.wait_for_ephemeral("ops", "Not done: backup needs the role operator.")
    assert await bot.deeds() == []
    assert len(await bot.events("click.refused")) == 1


async def test_a_control_of_an_older_version_is_acked(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    assert (await slack.person("alice").click(shown, "Old")).acked


async def test_a_click_delivered_twice_acts_once(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    slack.faults.duplicate()
    await slack.person("alice").click(shown, "Go")
    await bot.settled()
    assert await bot.deeds() == ["1"]


async def test_a_modal_is_opened_checked_and_taken_once(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    alice = slack.person("alice")
    await alice.click(shown, "Note")
    view = await note_of(alice)
    wrong = await alice.submit(view, {"note": "no"})
    assert wrong.errors == {"note": "Three letters at least."}
    slack.faults.duplicate()
    right = await alice.submit(view, {"note": "looks fine"})
    assert right.acked
    assert right.closed
    assert await bot.until_deeds(1) == ["looks fine"]
    await bot.settled()
    assert await bot.deeds() == ["looks fine"]
    # A modal has no channel of its own: the answer comes directly.
    await slack.wait_for_message(alice.dm, "Noted.")


async def test_a_modal_opens_in_time_although_slack_is_slow_to_say_who_may(
    slack: LocalSlack, bot: Edge, shown: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "LOOKUP_LIMIT", timedelta(seconds=60))
    slack.faults.slow("users.info", seconds=4)
    eve = slack.person("eve")
    await eve.click(shown, "Note")
    waiting = await eve.wait_for_view()
    assert "Looking this up" in str(waiting.blocks)
    view = await note_of(eve)
    assert view is waiting
    assert (await eve.submit(view, {"note": "looks fine"})).closed
    assert await bot.until_deeds(1) == ["looks fine"]


async def test_the_modal_that_waited_says_why_nothing_comes(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    slack.faults.slow("users.info", seconds=2)
    eve = slack.person("eve")
    await eve.click(shown, "Rules")
    await eve.wait_for_view(where=lambda view: "role admin" in str(view.blocks), timeout=10)
    assert eve.ephemerals() == []
    assert [event["outcome"] for event in await bot.events("click.refused")] == ["refused"]


async def test_app_home_shows_what_one_may(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    await alice.open_home()
    async with asyncio.timeout(10):
        while alice.home is None:
            await asyncio.sleep(0.02)
    text = str(alice.home.blocks)
    assert "Your roles: admin and operator." in text
    assert "Take and show backups" in text


async def test_what_nobody_listens_to_is_acked(
    slack: LocalSlack, bot: Edge, shown: Message
) -> None:
    alice = slack.person("alice")
    await alice.react(shown, "eyes")
    said = await alice.say("hello", "ops")
    await alice.react(said, "eyes")
    await alice.open_home("messages")
    await alice.command("/backup list", "ops")
    await alice.wait_for_ephemeral("ops", "Seen: list.")
    assert len(slack.deliveries) >= 4
    assert all(delivery.acked and not delivery.attempt for delivery in slack.deliveries)
