"""Files: each in its thread, once, with its description, whatever breaks in between."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.playground import LocalSlack
from bot.playground.message import Message as Shown
from bot.slack import blocks
from bot.slack.client import open_session, web_client
from bot.slack.limits import NOTE
from bot.slack.message import Message, Upload
from bot.slack.uploads import share
from bot.store.database import Database
from tests.parts.process import ChildProcess
from tests.parts.tcp_proxy import TcpProxy
from tests.slack.posting import Desk, open_desk, says

REPOSITORY = Path(__file__).parents[2]
CHART = Upload("chart.png", b"\x89PNG\r\n" + b"pixels" * 1000, "A chart", "Disk use rose to 71 %")
LOG = Upload("deploy.log", "Zeile für Zeile\n".encode() * 100, "The log")


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with LocalSlack() as slack, open_desk(database, slack) as opened:
        yield opened


async def put(desk: Desk, key: str, message: Message, **options: Any) -> None:
    async with desk.database.transaction() as tx:
        await desk.posts.put(tx, key, channel="ops", message=message, **options)


async def shared(desk: Desk, count: int) -> list[tuple[Shown, bytes]]:
    """The replies with files under the first message, once there are so many."""

    await desk.slack.wait_for_message("ops", where=lambda message: bool(message.blocks))
    (post,) = desk.slack.messages("ops")

    def replies() -> list[Shown]:
        return [reply for reply in desk.slack.replies(post) if reply.files]

    async with asyncio.timeout(20):
        while len(replies()) < count:
            await asyncio.sleep(0.05)
    await desk.settled()
    await asyncio.sleep(0.2)  # a second sharing of the same file would show by now
    return [(reply, desk.slack.file_bytes(reply.files[0]["id"])) for reply in replies()]


async def test_files_go_into_the_posts_thread_once(desk: Desk) -> None:
    async with desk.working():
        await put(desk, "a", says("a"), uploads=[CHART, LOG])
        await put(desk, "a", says("b"), uploads=[LOG])
        found = await shared(desk, 2)
    assert [content for _, content in found] == [CHART.content, LOG.content]
    assert [(file.name, file.title, file.alt_txt) for file in desk.slack.files] == [
        ("chart.png", "A chart", "Disk use rose to 71 %"),
        ("deploy.log", "The log", ""),
    ]
    row = await desk.database.one("select sum(length(content)) as kept from post_files")
    assert row["kept"] == 0


async def test_files_may_come_later(desk: Desk) -> None:
    async with desk.working():
        await put(desk, "a", says("a"))
        await desk.settled()
        await put(desk, "a", says("a"), uploads=[LOG])
        ((_, content),) = await shared(desk, 1)
    assert content == LOG.content
    assert desk.slack.calls_to("chat.update") == []


async def test_what_is_too_long_is_cut_and_attached_whole(desk: Desk) -> None:
    text = "\n".join(f"line {number} of the log" for number in range(1000))
    async with desk.working():
        await put(desk, "a", says(text))
        ((_, content),) = await shared(desk, 1)
    assert content.decode() == text
    (message,) = desk.slack.messages("ops")
    assert message.blocks[0]["text"]["text"].endswith(NOTE)


async def test_a_long_text_that_keeps_changing_is_not_attached_each_time(desk: Desk) -> None:
    async with desk.working():
        for number in range(5):
            message = Message(f"version {number}", (blocks.section(f"{number} " * 3000),))
            await put(desk, "a", message)
            await desk.slack.wait_for_message("ops", f"version {number}")
    rows = await desk.database.all("select state from post_files order by seq")
    assert [row["state"] for row in rows] == ["shared", "open"]  # the last follows later


@pytest.mark.parametrize(
    "method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"]
)
async def test_a_lost_answer_shares_nothing_twice(desk: Desk, method: str) -> None:
    desk.slack.faults.lose_answer(method)
    async with desk.working():
        await put(desk, "a", says("a"), uploads=[CHART])
        assert len(await shared(desk, 1)) == 1


async def test_limits_and_errors_are_waited_out(desk: Desk) -> None:
    desk.slack.faults.rate_limit("files.*", times=3, retry_after=1)
    desk.slack.faults.server_error("files.*", times=2)
    async with desk.working():
        await put(desk, "a", says("a"), uploads=[LOG])
        assert len(await shared(desk, 1)) == 1


async def test_killed_while_sharing(desk: Desk) -> None:
    async with TcpProxy("127.0.0.1", int(desk.slack.api_url.split(":")[2].split("/")[0])) as proxy:
        api_url = f"http://127.0.0.1:{proxy.port}/api/"
        argv = (sys.executable, "-m", "tests.slack.poster", desk.database.url, api_url)

        def has_file(message: Shown) -> bool:
            if message.files:
                proxy.hold()
            return bool(message.files)

        appears = asyncio.create_task(
            desk.slack.wait_for_message("ops", where=has_file, timeout=30)
        )
        async with ChildProcess(*argv, desk.slack.bot_token, cwd=REPOSITORY) as child:
            await child.wait_for_line("working")
            await put(desk, "a", says("a"), uploads=[CHART])
            await appears
            await child.kill9()
        proxy.resume()
    async with desk.working():
        await desk.settled(40)
    assert len(await shared(desk, 1)) == 1


async def test_a_described_picture_that_slack_keeps_to_itself_is_shared_plainly(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack is known to accept such a file and then never to show it."""
    show = desk.slack.backend.share

    def keep_described(files: list[Any], *rest: Any) -> Any:
        return None if any(file.alt_txt for file in files) else show(files, *rest)

    monkeypatch.setattr(desk.slack.backend, "share", keep_described)
    async with desk.working():
        await put(desk, "a", says("a"), uploads=[CHART])
        ((_, content),) = await shared(desk, 1)
    assert content == CHART.content


async def test_a_refused_file_fails_alone(desk: Desk) -> None:
    desk.slack.faults.error("files.getUploadURLExternal", "file_uploads_disabled")
    async with desk.working():
        await put(desk, "a", says("a"), uploads=[CHART, LOG])
        ((_, content),) = await shared(desk, 1)
    assert content == LOG.content
    event = await desk.database.one("select subject, detail from events")
    assert event["subject"] == "a"
    assert event["detail"]["file"] == "chart.png"


async def test_an_answers_file_is_shared_at_once() -> None:
    async with LocalSlack() as slack, open_session() as session:
        client = web_client(session, slack.bot_token, slack.api_url)
        await share(client, CHART, channel_id="C0OPS00001")
        message = await slack.wait_for_message("ops", where=lambda m: bool(m.files))
        assert slack.file_bytes(message.files[0]["id"]) == CHART.content


async def test_files_that_slack_does_not_take_hold_up_no_message(desk: Desk) -> None:
    desk.slack.faults.error("files.getUploadURLExternal", "missing_scope", times=None)
    async with desk.working():
        for number in range(10):  # more than there are workers
            await put(desk, f"a{number}", says(f"a{number}"), uploads=[CHART])
        async with asyncio.timeout(30):
            while not any("missing_scope" in each for each in await troubles(desk)):
                await asyncio.sleep(0.05)
        await put(desk, "last", says("last"))
        await desk.slack.wait_for_message("ops", "last")
        desk.slack.faults.clear()
        await desk.settled(60)
        assert len(desk.slack.files) == 10
        async with asyncio.timeout(30):
            while await troubles(desk):
                await asyncio.sleep(0.05)


async def troubles(desk: Desk) -> list[str]:
    return [*(await desk.posts.troubles()).values()]
