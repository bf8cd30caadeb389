"""What a channel is called, where Slack gives only its ID."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OpsbellError
from bot.slack.client import slack_errors

logger = logging.getLogger(__name__)

# A command may wait for this before its ack, once per channel. Its commit may take two seconds
# more, and Slack waits for three in all.
LIMIT = timedelta(seconds=0.5)
# How soon a channel of which Slack did not say the name is asked for again.
RETRY = timedelta(minutes=1)


class ChannelNames:
    """Looks names up once. A channel that is renamed keeps its old name until a restart."""

    def __init__(
        self, client: AsyncWebClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._names: dict[str, str] = {}
        self._failed_at: dict[str, float] = {}

    async def name(self, channel: str) -> str:
        """The name without #; "" where Slack does not say. Never raises."""
        if channel not in self._names:
            failed_at = self._failed_at.get(channel)
            if failed_at is not None and self._clock() - failed_at < RETRY.total_seconds():
                return ""
            try:
                with slack_errors("conversations.info"):
                    async with asyncio.timeout(LIMIT.total_seconds()):
                        answer = await self._client.conversations_info(channel=channel)
            except OpsbellError as error:
                self._failed_at[channel] = self._clock()
                logger.warning("no name", extra={"channel": channel, "error": str(error)})
                return ""
            self._names[channel] = str(answer["channel"].get("name", ""))
        return self._names[channel]
