"""What a local Slack that runs for days keeps of what went by, and what it lets go."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack


async def busy(slack: LocalSlack) -> str:
    """Ten edits of one message, and ten commands that nobody hears; the message's ts."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    posted = await client.chat_postMessage(channel="C0OPS00001", text="0")
    for number in range(1, 11):
        await client.chat_update(channel="C0OPS00001", ts=posted["ts"], text=str(number))
        await slack.person("alice").command("/backup", "ops")
    return str(posted["ts"])


async def test_everything_is_kept_for_those_who_look_back() -> None:
    async with LocalSlack(rate_limits=False) as slack:
        message = slack.workspace.channels["C0OPS00001"].messages[await busy(slack)]
        assert (len(slack.calls), len(slack.deliveries)) == (11, 10)
        assert [each.text for each in message.history] == [str(number) for number in range(10)]


async def test_of_what_is_not_asked_for_the_last_is_kept() -> None:
    async with LocalSlack(rate_limits=False, remembered=3) as slack:
        message = slack.workspace.channels["C0OPS00001"].messages[await busy(slack)]
        assert [call.args["text"] for call in slack.calls] == ["8", "9", "10"]
        assert len(slack.deliveries) == 3
        assert [each.text for each in message.history] == ["9"]
