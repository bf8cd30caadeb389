"""Posts: what is put is what Slack shows, in order, once, as few calls as it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.playground import LocalSlack
from bot.store.database import Database
from tests.slack.posting import Desk, open_desk


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with LocalSlack() as slack, open_desk(database, slack) as opened:
        yield opened


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
