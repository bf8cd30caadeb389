"""A channel's topic: read and set, as Slack keeps it."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.channels import Channels
from bot.slack.client import slack_errors

LONGEST = 250
"""Characters of a topic; Slack refuses more."""


class Topics:
    """Topics of channels that Opsbell is in, given by ID or name. Each method raises what
    `slack_errors` raises."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._channels = Channels(client)

    async def channel(self, name: str) -> str | None:
        """The channel's ID; None where Opsbell is not in it."""
        return await self._channels.resolve(name)

    async def read(self, channel: str) -> str:
        """What the topic says."""
        with slack_errors("conversations.info"):
            answer = await self._client.conversations_info(channel=channel)
        return str((answer["channel"].get("topic") or {}).get("value", ""))

    async def write(self, channel: str, text: str) -> str:
        """Sets the topic; the text as Slack keeps it, which may differ from what was sent."""
        with slack_errors("conversations.setTopic"):
            answer = await self._client.conversations_setTopic(channel=channel, topic=text)
        kept = (answer.get("channel") or {}).get("topic") or {}
        return str(kept.get("value", text))
