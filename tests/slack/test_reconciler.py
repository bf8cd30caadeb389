"""The reconciler when Slack limits, refuses, loses or is away: nothing is lost, nothing blocks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.playground import LocalSlack
from bot.store.database import Database
from bot.store.queue import Lane
from tests.slack.posting import UNHURRIED, Desk, open_desk


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with LocalSlack() as slack, open_desk(database, slack, UNHURRIED) as opened:
        yield opened


async def events(desk: Desk, action: str) -> list[dict[str, Any]]:
    return await desk.database.all(
        "select subject, detail from events where action = %s order by id", (action,)
    )


async def state(desk: Desk, key: str) -> str:
    row = await desk.database.one("select state from posts where key = %s", (key,))
    return str(row["state"])


async def until(desk: Desk, trouble: str) -> None:
    """Returns once the status names this trouble. Raises TimeoutError."""
    async with asyncio.timeout(15):
        while not any(trouble in words for words in (await desk.posts.troubles()).values()):
            await asyncio.sleep(0.05)


async def until_untroubled(desk: Desk) -> None:
    """Returns once the status names no trouble. Raises TimeoutError."""
    async with asyncio.timeout(15):
        while await desk.posts.troubles():
            await asyncio.sleep(0.05)


async def test_rate_limits_are_waited_out(desk: Desk) -> None:
    desk.slack.faults.rate_limit("chat.postMessage", times=2, retry_after=1)
    desk.slack.faults.rate_limit("chat.update", times=2, retry_after=1)
    async with desk.working():
        await desk.put("a", "first")
        await desk.slack.wait_for_message("ops", "first")
        await desk.put("a", "second")
        await desk.settled()
    assert desk.texts() == ["second"]
    for method in ("chat.postMessage", "chat.update"):
        calls = desk.slack.calls_to(method)
        assert [call.status for call in calls] == [429, 429, 200]
        assert all(after.at - before.at >= 1 for before, after in itertools.pairwise(calls))


async def test_a_storm_of_rate_limits_costs_time_only(desk: Desk) -> None:
    desk.slack.faults.rate_limit("*", times=12, retry_after=1)
    async with desk.working():
        for number in range(6):
            await desk.put(f"{number}", f"{number}", ("ops", "alerts")[number % 2])
        await desk.settled(60)
    assert desk.texts("ops") == ["0", "2", "4"]
    assert desk.texts("alerts") == ["1", "3", "5"]


async def test_an_outage_loses_nothing(desk: Desk) -> None:
    keys = [f"{number}" for number in range(20)]
    channel = {key: ("ops", "alerts", "incidents", "support")[int(key) % 4] for key in keys}
    async with desk.working():
        for key in keys[:8]:
            await desk.put(key, "before", channel[key])
        await desk.settled()
        await desk.slack.faults.away()
        for number in range(10):
            for key in keys:
                await desk.put(key, f"{key} is at {number}", channel[key])
        await until(desk, "cannot be reached")
        calls = len(desk.slack.calls)
        await desk.slack.faults.back()
        await desk.settled(60)
        await until_untroubled(desk)
    said = [text for name in set(channel.values()) for text in desk.texts(name)]
    assert sorted(said) == sorted(f"{key} is at 9" for key in keys)
    assert len(desk.slack.calls_to("chat.postMessage")) == 20
    assert len(desk.slack.calls_to("chat.update")) == 8
    assert calls == 8 + 1  # nothing reached Slack meanwhile


async def test_stopping_does_not_wait_for_slack(desk: Desk) -> None:
    await desk.slack.faults.away()
    await desk.put("a", "said later")
    async with desk.working():
        await until(desk, "cannot be reached")
        desk.reconciler.stop()
        async with asyncio.timeout(30):  # by itself, before the queue ends jobs that go on
            while not await desk.database.first(
                "select 1 as one from procrastinate_jobs where attempts > 0"
            ):
                await asyncio.sleep(0.02)
    assert await all_due(desk)


async def all_due(desk: Desk) -> bool:
    """Whether every job waits for nothing but someone to do it."""
    jobs = await desk.database.all(
        "select status::text, coalesce(scheduled_at, now()) - now() as wait from procrastinate_jobs"
    )
    return all(job["status"] == "todo" and job["wait"] <= timedelta() for job in jobs)


async def test_what_is_stopped_or_cancelled_waits_for_nothing(desk: Desk) -> None:
    """However often it was tried before: another process may go on at once."""
    await desk.slack.faults.away()
    await desk.put("a", "said later")
    for stops_first in (False, True):
        await desk.database.execute("update procrastinate_jobs set attempts = 4")
        workers = asyncio.create_task(desk.queue.run({Lane.POSTS: 8}))
        async with asyncio.timeout(10):
            while await all_due(desk):
                await asyncio.sleep(0.02)
        if stops_first:
            desk.reconciler.stop()
        workers.cancel()
        await asyncio.gather(workers, return_exceptions=True)
        assert await all_due(desk)


async def test_a_5xx_leaves_a_post_to_be_looked_for(desk: Desk) -> None:
    desk.slack.faults.server_error("chat.postMessage")
    desk.slack.faults.server_error("chat.update", times=2)
    async with desk.working():
        await desk.put("a", "a")
        await desk.settled()
        await desk.put("a", "b")
        await desk.settled()
    assert desk.texts() == ["b"]
    methods = [call.method for call in desk.slack.calls if call.method != "users.conversations"]
    post, look, update = "chat.postMessage", "conversations.history", "chat.update"
    # The second look is left out where the first one came when the call was long over.
    edited = [post, update, update, update]
    assert methods in ([post, look, look, *edited], [post, look, *edited])


async def test_a_thread_that_was_deleted_holds_up_nothing_else(desk: Desk) -> None:
    await desk.slack.person("alice").say("what is up?", channel="ops")
    asked = await desk.slack.wait_for_message("ops", "what is up?")
    await desk.put("answer", "not much", "C0OPS00001", thread=asked.ts)
    desk.slack.faults.server_error("chat.postMessage")
    async with desk.working():
        async with asyncio.timeout(15):
            while not desk.slack.calls_to("chat.postMessage"):
                await asyncio.sleep(0.01)
        desk.slack.backend.timeline.delete(asked)
        await desk.put("a", "a", "C0OPS00001")
        await desk.settled()
    assert desk.texts() == ["a"]
    assert await state(desk, "answer") == "failed"


async def test_a_deleted_message_stays_deleted(desk: Desk) -> None:
    async with desk.working():
        await desk.put("a", "a")
        message = await desk.slack.wait_for_message("ops", "a")
        await desk.settled()
        desk.slack.backend.timeline.delete(message)
        await desk.put("a", "b")
        await desk.settled()
        await desk.put("a", "c")
        await desk.settled()
    assert desk.texts() == []
    assert await state(desk, "a") == "gone"
    assert await desk.posts.where("a") is None
    assert [event["subject"] for event in await events(desk, "post.gone")] == ["a"]
    assert len(desk.slack.calls_to("chat.update")) == 1


async def test_a_channel_without_opsbell_waits_for_an_invitation(desk: Desk) -> None:
    general = desk.slack.workspace.find_channel("general")
    async with desk.working():
        await desk.put("by name", "by name", "general")
        await desk.put("by ID", "by ID", general.id)
        await desk.put("unknown", "unknown", "no-such-channel")
        await desk.put("elsewhere", "elsewhere", "ops")
        await desk.slack.wait_for_message("ops", "elsewhere")
        await until(desk, "Opsbell is not in #general: type /invite @opsbell there.")
        await until(desk, f"Opsbell is not in #{general.id}")
        before = len(desk.slack.calls)
        await asyncio.sleep(3)
        assert len(desk.slack.calls) - before <= 4
        general.members.add(desk.slack.workspace.app.user_id)
        await desk.slack.wait_for_message("general", "by name", timeout=30)
        await desk.slack.wait_for_message("general", "by ID", timeout=30)
        async with asyncio.timeout(15):
            while set(await desk.posts.troubles()) != {"no-such-channel"}:
                await asyncio.sleep(0.05)
        # The name was wrong; a put with the right one moves what was never said.
        await desk.put("unknown", "known", "support")
        await desk.slack.wait_for_message("support", "known")


async def test_blocks_that_slack_refuses_are_said_in_plain_text(desk: Desk) -> None:
    desk.slack.faults.error("chat.postMessage", "invalid_blocks", times=1)
    async with desk.working():
        await desk.put("a", "a")
        await desk.put("b", "b")
        await desk.settled()
        first, second = desk.slack.messages("ops")
        assert (first.text, first.blocks) == ("a", [])
        assert second.blocks != []
        await desk.put("a", "fine again")
        await desk.slack.wait_for_message("ops", "fine again", where=lambda m: m.blocks != [])
    (event,) = await events(desk, "post.plain")
    assert event["subject"] == "a"
    assert "invalid_blocks" in event["detail"]["reason"]


async def test_what_slack_refuses_for_good_does_not_block_the_rest(desk: Desk) -> None:
    desk.slack.faults.error("chat.postMessage", "restricted_action", times=1)
    async with desk.working():
        await desk.put("a", "refused")
        await desk.put("a's reply", "a's reply", under="a")
        await desk.put("b", "b")
        await desk.settled()
        assert desk.texts() == ["b"]
        assert (await state(desk, "a"), await state(desk, "a's reply")) == ("failed", "failed")
        # What it is to say now may be taken.
        await desk.put("a", "taken")
        await desk.slack.wait_for_message("ops", "taken")
    assert [event["subject"] for event in await events(desk, "post.failed")] == ["a", "a's reply"]


async def test_an_archived_channel_fails_its_posts(desk: Desk) -> None:
    desk.slack.workspace.find_channel("incidents").archived = True
    async with desk.working():
        await desk.put("a", "a", "incidents")
        await desk.settled()
    (event,) = await events(desk, "post.failed")
    assert "is_archived" in event["detail"]["reason"]


async def test_a_refused_token_is_named_and_waited_for(desk: Desk) -> None:
    app = desk.slack.workspace.app
    token, app.bot_token = app.bot_token, "xoxb-renewed"
    async with desk.working():
        await desk.put("a", "a")
        await until(desk, "invalid_auth")
        app.bot_token = token
        await desk.settled()
        await until_untroubled(desk)
    assert desk.texts() == ["a"]


async def test_a_row_that_cannot_be_sent_does_not_block_the_rest(desk: Desk) -> None:
    await desk.put("broken", "broken")
    await desk.put("b", "b")
    await desk.database.execute("update posts set message = '{}' where key = 'broken'")
    async with desk.working():
        await desk.settled()
    assert desk.texts() == ["b"]
    assert await state(desk, "broken") == "failed"


async def test_a_lost_job_is_made_up_for_at_the_start(desk: Desk) -> None:
    await desk.put("a", "a")
    await desk.database.execute("delete from procrastinate_jobs")
    async with desk.working():
        await desk.slack.wait_for_message("ops", "a")


async def test_replicas_share_the_work(database: Database) -> None:
    async with (
        LocalSlack() as slack,
        open_desk(database, slack) as one,
        open_desk(database, slack) as other,
        one.working(),
        other.working(),
    ):
        for number in range(16):
            desk = (one, other)[number % 2]
            await desk.put(f"{number}", f"{number}", ("ops", "alerts")[number // 8])
        await one.settled()
        assert one.texts("ops") == [f"{number}" for number in range(8)]
        assert one.texts("alerts") == [f"{number}" for number in range(8, 16)]
