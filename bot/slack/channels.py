"""From a channel's configured name to its ID, for the channels that Opsbell is in."""

from __future__ import annotations

import asyncio
import re
import time

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import slack_errors

KEPT_SECONDS = 10.0
_ID = re.compile(r"[CDG][A-Z0-9]{6,}")


class Channels:
    """Knows the channels that Opsbell is a member of, asked for again when one is missing."""

    def __init__(self, client: AsyncWebClient, kept: float = KEPT_SECONDS) -> None:
        self._client = client
        self._kept = kept
        self._ids: dict[str, str] = {}
        self._asked = -kept
        self._doubted: set[str] = set()
        self._asking = asyncio.Lock()

    async def resolve(self, channel: str) -> str | None:
        """The ID of a channel given by name or ID; None where Opsbell is not in it.

        An ID is believed until `doubt`. Slack is asked at most every KEPT_SECONDS. Raises what
        `slack_errors` raises.
        """
        name = channel.removeprefix("#")
        if name not in self._doubted and _ID.fullmatch(name):
            return name
        async with self._asking:
            if self._known(name) is None and time.monotonic() - self._asked >= self._kept:
                self._ids = await self._memberships()
                self._asked = time.monotonic()
                self._doubted -= self._ids.keys()
        return self._known(name)

    def doubt(self, channel: str) -> None:
        """Says that Slack did not let Opsbell into a channel; it is looked up anew."""
        self._doubted.add(channel.removeprefix("#"))

    def _known(self, name: str) -> str | None:
        return None if name in self._doubted else self._ids.get(name)

    async def _memberships(self) -> dict[str, str]:
        ids: dict[str, str] = {}
        cursor = ""
        while True:
            with slack_errors("users.conversations"):
                page = await self._client.users_conversations(
                    types="public_channel,private_channel", limit=200, cursor=cursor or None
                )
            for channel in page["channels"]:
                ids[channel["name"]] = ids[channel["id"]] = channel["id"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return ids
