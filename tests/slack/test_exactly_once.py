"""Each message stands once, whatever happens between asking Slack and knowing its answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.playground import LocalSlack
from bot.store.database import Database
from tests.parts.process import ChildProcess
from tests.parts.tcp_proxy import TcpProxy
from tests.slack.posting import QUICK, Desk, open_desk

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with LocalSlack() as slack, open_desk(database, slack) as opened:
        yield opened


def poster(desk: Desk, port: int, *freeze: str) -> ChildProcess:
    """A process of its own that works off posts, and reaches Slack by this port."""
    api_url = f"http://127.0.0.1:{port}/api/"
    argv = (sys.executable, "-m", "tests.slack.poster", desk.database.url, api_url)
    return ChildProcess(*argv, desk.slack.bot_token, *freeze, cwd=REPOSITORY)


def proxy_to(slack: LocalSlack) -> TcpProxy:
    return TcpProxy("127.0.0.1", int(slack.api_url.split(":")[2].split("/")[0]))


async def claimed(desk: Desk, key: str) -> None:
    """Returns once a process has committed that it is about to send the post."""
    async with asyncio.timeout(15):
        while not await desk.database.first(
            "select 1 as one from posts where key = %s and sending_at is not null", (key,)
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("under", ["", "parent"])
async def test_a_lost_answer_is_found_again(desk: Desk, under: str) -> None:
    async with desk.working():
        await desk.put("parent", "parent")
        await desk.settled()
        desk.slack.faults.lose_answer("chat.postMessage")
        await desk.put("a", "a", under=under)
        await desk.settled()
        await desk.put("a", "changed", under=under)
        await desk.settled()
        place = await desk.posts.where("a")
    (parent, *others) = desk.slack.messages("ops")
    found = desk.slack.replies(parent) if under else others
    assert [message.text for message in found] == ["changed"]
    assert place is not None
    assert place.ts == found[0].ts
    assert len(desk.slack.calls_to("chat.postMessage")) == 2


async def test_a_lost_answer_is_found_far_back(desk: Desk) -> None:
    """What others said since fills more than one page of the history."""
    desk.slack.faults.lose_answer("chat.postMessage")
    lost = asyncio.create_task(desk.slack.wait_for_message("ops", "lost", timeout=60))
    await desk.put("lost", "lost")
    proxy = proxy_to(desk.slack)
    async with proxy, poster(desk, proxy.port) as child:
        await lost
        await child.kill9()
    for number in range(250):
        await desk.slack.person("alice").say(f"{number}", channel="ops")
    async with desk.working():
        await desk.settled(40)
    assert desk.texts().count("lost") == 1
    assert len(desk.slack.calls_to("conversations.history")) >= 2


async def test_a_lost_answer_to_an_update_is_made_up_for(desk: Desk) -> None:
    async with desk.working():
        await desk.put("a", "one")
        await desk.settled()
        desk.slack.faults.lose_answer("chat.update", times=2)
        await desk.put("a", "two")
        await desk.put("a", "one")
        await desk.put("a", "three")
        await desk.settled()
    assert desk.texts() == ["three"]


async def test_silence_is_waited_out_and_the_post_made_again(desk: Desk) -> None:
    desk.slack.faults.silent("chat.postMessage")
    async with desk.working():
        await desk.put("a", "a")
        await desk.put("b", "b")
        await desk.settled()
    assert desk.texts() == ["a", "b"]


async def test_a_message_that_lands_late_is_not_posted_again(database: Database) -> None:
    patient = replace(QUICK, call=timedelta(seconds=0.5), settle=timedelta(seconds=5))
    async with LocalSlack() as slack, open_desk(database, slack, patient) as desk:
        slack.faults.slow("chat.postMessage", seconds=2.5)
        async with desk.working():
            await desk.put("a", "a")
            await desk.settled()
        assert desk.texts() == ["a"]
        assert len(slack.calls_to("chat.postMessage")) == 1
        assert len(slack.calls_to("conversations.history")) >= 1


async def test_killed_while_the_answer_is_under_way(desk: Desk) -> None:
    async with proxy_to(desk.slack) as proxy:

        def landed(message: Any) -> bool:
            proxy.hold()  # before Slack's answer has left
            return bool(message.text == "a")

        posted = asyncio.create_task(desk.slack.wait_for_message("ops", where=landed, timeout=30))
        async with poster(desk, proxy.port) as child:
            await child.wait_for_line("working")
            await desk.put("a", "a")
            await posted
            await child.kill9()
        proxy.resume()
        assert await desk.posts.where("a") is None
        await desk.put("a", "after the kill")
        async with poster(desk, proxy.port):
            await desk.settled(40)
    assert desk.texts() == ["after the kill"]
    assert len(desk.slack.calls_to("chat.postMessage")) == 1


async def test_killed_before_the_call_arrives(desk: Desk) -> None:
    async with proxy_to(desk.slack) as proxy:
        async with poster(desk, proxy.port) as child:
            await child.wait_for_line("working")
            await desk.put("first", "first")
            await desk.settled()
            proxy.hold()
            await desk.put("a", "a")
            await claimed(desk, "a")
            await child.kill9()
        proxy.cut()
        proxy.resume()
        async with poster(desk, proxy.port):
            await desk.settled(40)
    assert desk.texts() == ["first", "a"]


async def test_one_that_only_seemed_dead_does_not_post_again(desk: Desk) -> None:
    """It stands still right before its call; another settles the post; then it wakes."""
    async with proxy_to(desk.slack) as proxy, poster(desk, proxy.port, "a", "6") as frozen:
        await frozen.wait_for_line("working")
        await desk.put("first", "first")
        await desk.settled()
        await desk.put("a", "a")
        await claimed(desk, "a")
        # As the queue has it done once it takes the process for dead.
        await desk.reconciler.reconcile("ops")
        assert desk.texts() == ["first", "a"]
        await frozen.wait_for_line("awake")
        await desk.put("b", "b")
        await desk.settled()
    assert desk.texts() == ["first", "a", "b"]
    assert len(desk.slack.calls_to("chat.postMessage")) == 3


async def test_two_that_work_on_one_channel_at_once_post_once(database: Database) -> None:
    """The queue's lock keeps them apart; the claims would, too."""
    async with (
        LocalSlack() as slack,
        open_desk(database, slack) as one,
        open_desk(database, slack) as other,
    ):
        for number in range(5):
            await one.put(f"{number}", f"{number}")
        async with asyncio.timeout(60):
            await asyncio.gather(*(desk.reconciler.reconcile("ops") for desk in (one, other) * 3))
        assert sorted(one.texts()) == [f"{number}" for number in range(5)]


async def test_restarts_post_nothing_twice(desk: Desk) -> None:
    async with proxy_to(desk.slack) as proxy:
        for number in range(2):
            async with poster(desk, proxy.port) as child:
                await child.wait_for_line("working")
                for key in range(3):
                    await desk.put(f"{number} {key}", f"{number} {key}")
                await desk.slack.wait_for_message("ops", f"{number} 0", timeout=40)
                await child.kill9()
        async with poster(desk, proxy.port):
            await desk.settled(60)
    assert sorted(desk.texts()) == [f"{number} {key}" for number in range(2) for key in range(3)]
