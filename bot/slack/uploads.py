"""Files into Slack, in its two steps: upload the content, then share it into a thread.

Slack shares some time after it answered, and says nothing where it then does not (known to
happen with pictures that carry an alternative text); `files.info` tells.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import SlackAway, SlackRefused, proxy_for, slack_errors
from bot.slack.message import Upload

UPLOAD_LIMIT = timedelta(seconds=120)
# Slack's limit for the description of a picture, in characters.
ALT_LIMIT = 1000
SHARE_LIMIT = timedelta(seconds=20)
FIRST_LOOK = 0.25


async def share(
    client: AsyncWebClient, upload: Upload, *, channel_id: str, thread: str = ""
) -> None:
    """Shows a file in a channel or thread, at once and once; nothing is kept for a restart.

    Raises what `slack_errors` raises.
    """
    file_id = await send_content(client, upload)
    await show(client, upload, file_id, channel_id=channel_id, thread=thread)
    if upload.alt and not await is_shown(client, file_id, channel_id):
        await share(
            client,
            Upload(upload.name, upload.content, upload.title),
            channel_id=channel_id,
            thread=thread,
        )


async def send_content(client: AsyncWebClient, upload: Upload) -> str:
    """Uploads a file that nobody sees yet; its ID. Raises what `slack_errors` raises."""
    with slack_errors("files.getUploadURLExternal"):
        place = await client.files_getUploadURLExternal(
            filename=upload.name,
            length=len(upload.content),
            alt_txt=upload.alt[:ALT_LIMIT] or None,
        )
    url = str(place["upload_url"])
    if client.session is None:
        raise ValueError("the client has no session of its own")
    with slack_errors("the upload"):
        async with client.session.post(
            url,
            data=upload.content,
            headers={"Content-Type": "application/octet-stream"},
            proxy=proxy_for(url),
            timeout=aiohttp.ClientTimeout(total=UPLOAD_LIMIT.total_seconds()),
        ) as answer:
            if answer.status >= 500:
                raise SlackAway(f"Slack answered the upload with status {answer.status}.")
            if answer.status != 200:
                raise SlackRefused("the upload", f"status {answer.status}")
    return str(place["file_id"])


async def show(
    client: AsyncWebClient, upload: Upload, file_id: str, *, channel_id: str, thread: str
) -> None:
    """Shares an uploaded file. Raises what `slack_errors` raises."""
    with slack_errors("files.completeUploadExternal"):
        await client.files_completeUploadExternal(
            files=[{"id": file_id, "title": upload.title}],
            channel_id=channel_id,
            thread_ts=thread or None,
        )


async def is_shown(
    client: AsyncWebClient, file_id: str, channel_id: str, within: timedelta = SHARE_LIMIT
) -> bool:
    """Whether the file appears in the channel; False at once where sharing was never begun.

    Raises what `slack_errors` raises.
    """
    pause, left = FIRST_LOOK, within.total_seconds()
    while True:
        try:
            with slack_errors("files.info"):
                answer = await client.files_info(file=file_id)
        except SlackRefused as refusal:
            if refusal.code == "file_not_found":
                return False
            raise
        shares = answer["file"].get("shares") or {}
        if any(channel_id in channels for channels in shares.values()):
            return True
        if left <= 0:
            return False
        await asyncio.sleep(min(pause, left))
        left, pause = left - pause, pause * 2
