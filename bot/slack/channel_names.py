"""What a channel is called, where Slack gives only its ID."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OpsbellError
from bot.slack.client import slack_errors

logger = logging.getLogger(__name__)

# A command may wait for this before its ack, once per channel.
LIMIT = timedelta(seconds=1)


class ChannelNames:
    """Looks names up once. A channel that is renamed keeps its old name until a restart."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._names: dict[str, str] = {}

    async def name(self, channel: str) -> str:
        """The name without #; "" where Slack does not say. Never raises."""
        if channel not in self._names:
            try:
                with slack_errors("conversations.info"):
                    async with asyncio.timeout(LIMIT.total_seconds()):
                        answer = await self._client.conversations_info(channel=channel)
            except OpsbellError as error:
                logger.warning("no name", extra={"channel": channel, "error": str(error)})
                return ""
            self._names[channel] = str(answer["channel"].get("name", ""))
        return self._names[channel]
