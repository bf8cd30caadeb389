"""Posts: what is put is what Slack shows, in order, once, with as few calls as it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bot.playground import LocalSlack
from bot.slack import blocks
from bot.slack.limits import UnfitBlocks
from bot.slack.message import Message
from bot.slack.pace import UPDATE_BURST
from bot.store.database import Database
from tests.slack.posting import UNHURRIED, Desk, open_desk, says


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with LocalSlack() as slack, open_desk(database, slack, UNHURRIED) as opened:
        yield opened


async def jobs(desk: Desk) -> int:
    row = await desk.database.one("select count(*) as n from procrastinate_jobs")
    return int(row["n"])


async def test_a_put_is_posted_and_a_second_one_updates(desk: Desk) -> None:
    async with desk.working():
        await desk.put("a", "first")
        message = await desk.slack.wait_for_message("ops", "first")
        await desk.put("a", "second")
        await desk.slack.wait_for_message("ops", "second")
        await desk.settled()
        place = await desk.posts.where("a")
        assert place is not None
        assert (place.channel_id, place.ts) == ("C0OPS00001", message.ts)
        assert await desk.posts.find(place.channel_id, place.ts) == "a"
        link = await desk.posts.permalink("a")
        assert link is not None
        assert message.ts.replace(".", "") in link
    assert desk.texts() == ["second"]
    assert len(desk.slack.calls_to("chat.postMessage")) == 1


async def test_nothing_is_known_of_what_was_never_put(desk: Desk) -> None:
    assert await desk.posts.where("a") is None
    assert await desk.posts.permalink("a") is None
    assert await desk.posts.find("C0OPS00001", "1.2") is None


async def test_a_put_of_a_transaction_that_fails_is_never_said(desk: Desk) -> None:
    with pytest.raises(RuntimeError, match="roll back"):
        async with desk.database.transaction() as tx:
            await desk.posts.put(tx, "a", channel="ops", message=says("never"))
            raise RuntimeError("roll back")
    assert await jobs(desk) == 0
    assert await desk.database.first("select 1 as one from posts") is None


async def test_what_says_the_same_or_is_open_already_queues_nothing(desk: Desk) -> None:
    await desk.put("a", "one")
    assert await jobs(desk) == 1
    await desk.put("a", "one")
    await desk.put("a", "two")
    assert await jobs(desk) == 1
    async with desk.working():
        await desk.settled()
        # The job that made it so may end a moment later.
        async with asyncio.timeout(10):
            while await jobs(desk):
                await asyncio.sleep(0.02)
    await desk.put("a", "two")
    assert await jobs(desk) == 0
    await desk.put("a", "three")
    assert await jobs(desk) == 1


async def test_first_posts_keep_their_order_in_each_channel(desk: Desk) -> None:
    for number in range(8):
        await desk.put(f"ops {number}", f"{number}", "ops")
        await desk.put(f"alerts {number}", f"{number}", "#alerts")
    async with desk.working():
        await desk.settled()
    assert desk.texts("ops") == desk.texts("alerts") == [str(number) for number in range(8)]


async def test_replies_go_under_their_post_and_after_it(desk: Desk) -> None:
    await desk.put("parent", "parent")
    await desk.put("reply", "reply", under="parent")
    await desk.put("reply to the reply", "reply to the reply", under="reply")
    async with desk.working():
        await desk.settled()
    (parent,) = desk.slack.messages("ops")
    assert [reply.text for reply in desk.slack.replies(parent)] == ["reply", "reply to the reply"]


async def test_a_reply_goes_under_a_persons_message(desk: Desk) -> None:
    await desk.slack.person("alice").say("what is up?", channel="ops")
    asked = await desk.slack.wait_for_message("ops", "what is up?")
    await desk.put("answer", "not much", "C0OPS00001", thread=asked.ts)
    async with desk.working():
        await desk.settled()
    (reply,) = desk.slack.replies(asked)
    assert reply.text == "not much"
    assert reply.metadata == {"event_type": "opsbell_post", "event_payload": {"key": "answer"}}


async def test_a_reply_under_nothing_is_a_defect(desk: Desk) -> None:
    with pytest.raises(LookupError):
        await desk.put("reply", "reply", under="no such post")


async def test_unfit_blocks_are_found_in_put(desk: Desk) -> None:
    twice = (blocks.section("a", block_id="x"), blocks.section("b", block_id="x"))
    with pytest.raises(UnfitBlocks):
        async with desk.database.transaction() as tx:
            await desk.posts.put(tx, "a", channel="ops", message=Message("a", twice))


async def test_a_thousand_puts_become_few_updates(desk: Desk) -> None:
    async with desk.working():
        await desk.put("a", "0")
        began = time.monotonic()
        for number in range(1, 1001):
            await desk.put("a", f"{number}")
        await desk.slack.wait_for_message("ops", "1000")
        took = time.monotonic() - began
        await desk.settled()
    assert desk.texts() == ["1000"]
    assert len(desk.slack.calls_to("chat.update")) <= took + 1


async def test_a_new_message_does_not_wait_behind_updates(desk: Desk) -> None:
    keys = [f"{number}" for number in range(12)]
    async with desk.working():
        for key in keys:
            await desk.put(key, "as posted", "ops" if int(key) % 2 else "alerts")
        await desk.settled()
        for key in keys:
            await desk.put(key, "changed", "ops" if int(key) % 2 else "alerts")
        async with asyncio.timeout(10):  # until the burst is used up and the rest waits its turn
            while len(desk.slack.calls_to("chat.update")) < UPDATE_BURST:
                await asyncio.sleep(0.01)
        await desk.put("urgent", "urgent")
        await desk.slack.wait_for_message("ops", "urgent")
        await desk.settled(60)
    said = [call.args["text"] for call in desk.slack.calls if call.method.startswith("chat.")]
    assert said.count("changed") == len(keys)
    assert said.index("urgent") < len(said) - 3


async def test_live_messages_share_the_updates_and_final_states_go_first(desk: Desk) -> None:
    channels = ("ops", "alerts", "incidents", "support")
    async with desk.working():
        for channel in channels:
            for number in range(4):
                await desk.put(f"{channel} {number}", "0", channel)
        await desk.settled()
        began, count = time.monotonic(), 0
        while time.monotonic() - began < 8:
            count += 1
            for channel in channels:
                for number in range(4):
                    await desk.put(f"{channel} {number}", f"{count}", channel)
            await asyncio.sleep(0.2)
        before = len(desk.slack.calls_to("chat.update"))
        await desk.put("support 3", "done", "support", final=True)
        await desk.slack.wait_for_message("support", "done", timeout=30)
        updates = desk.slack.calls_to("chat.update")
        assert len(updates) - before <= 3  # of sixteen that wait
        assert len(updates) <= 5 + (time.monotonic() - began) * 0.75
        assert {call.error for call in updates} == {None}
        # Whoever waited longest is next: no message is updated twice before most were once.
        assert len({call.args["ts"] for call in updates}) >= len(updates) - 2
