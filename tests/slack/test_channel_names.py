"""What a channel is called, asked of Slack before an ack."""

from __future__ import annotations

from datetime import timedelta

from bot.playground import LocalSlack
from bot.slack.channel_names import LIMIT, RETRY, ChannelNames
from bot.slack.client import open_session, web_client
from bot.store.inbox import TIME_LIMIT


def test_a_name_and_a_commit_leave_time_for_the_ack() -> None:
    worst = LIMIT + TIME_LIMIT
    assert worst <= timedelta(seconds=2.5)


async def test_what_slack_did_not_say_is_not_asked_again_at_once() -> None:
    now = 0.0
    async with LocalSlack() as slack, open_session() as session:
        client = web_client(session, slack.bot_token, slack.api_url)
        names = ChannelNames(client, clock=lambda: now)
        slack.faults.silent("conversations.info")
        assert [await names.name("C0OPS00001") for _ in range(3)] == ["", "", ""]
        assert len(slack.calls_to("conversations.info")) == 1
        now = RETRY.total_seconds()
        assert [await names.name("C0OPS00001") for _ in range(3)] == ["ops"] * 3
        assert len(slack.calls_to("conversations.info")) == 2
