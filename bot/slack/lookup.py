"""Finding a message again by the key in its metadata."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import slack_errors

EVENT_TYPE = "opsbell_post"
# PostgreSQL's clock and Slack's need not agree to the second.
CLOCK_SKEW = timedelta(minutes=2)
PAGE = 200


def metadata(key: str) -> dict[str, Any]:
    """What every posted message carries so that it can be found."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


async def find_message(
    client: AsyncWebClient, key: str, *, channel_id: str, thread: str, since: datetime
) -> str | None:
    """The ts of the message that carries the key and was posted after `since`; None if none does.

    Raises what `slack_errors` raises.
    """
    arguments: dict[str, Any] = {
        "channel": channel_id,
        "oldest": f"{(since - CLOCK_SKEW).timestamp():.6f}",
        "include_all_metadata": True,
        "limit": PAGE,
    }
    cursor = ""
    while True:
        if thread:
            with slack_errors("conversations.replies"):
                page = await client.conversations_replies(
                    ts=thread, cursor=cursor or None, **arguments
                )
        else:
            with slack_errors("conversations.history"):
                page = await client.conversations_history(cursor=cursor or None, **arguments)
        for message in page["messages"]:
            found = message.get("metadata") or {}
            if (
                found.get("event_type") == EVENT_TYPE
                and found.get("event_payload", {}).get("key") == key
            ):
                return str(message["ts"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            return None
