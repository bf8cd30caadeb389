"""Answers: public ones are posts; private ones go by the request's own address, else as an
ephemeral message, else directly."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OpsbellError
from bot.slack.client import SlackRefused, proxy_for, slack_errors
from bot.slack.limits import fit
from bot.slack.message import Message, Upload
from bot.slack.posts import Posts
from bot.slack.surface import Answer, Kind, Request
from bot.slack.uploads import share
from bot.store.database import Database, Transaction

logger = logging.getLogger(__name__)

LIMIT = timedelta(seconds=10)


class Answers:
    """Gives people their answers."""

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        database: Database,
        posts: Posts,
    ) -> None:
        self._client = client
        self._session = session
        self._database = database
        self._posts = posts

    async def give(self, request: Request, answer: Answer) -> None:
        """Gives an answer after the fact; the files of a private one go to the person directly.

        Raises Unavailable where a public one can't be kept, and UnfitBlocks.
        """
        if answer.public:
            async with self._database.transaction() as tx:
                await self.publicly(tx, request, answer)
        else:
            await self._privately(request, answer)

    async def publicly(self, tx: Transaction, request: Request, answer: Answer) -> None:
        """Posts an answer where it was asked for, from the transaction's commit on.

        An answer to a mention goes into its thread.
        """
        asked_in = request.message if request.kind is Kind.MENTION else ""
        await self._posts.put(
            tx,
            f"reply:{request.key}",
            channel=request.channel,
            message=answer.message,
            thread=request.thread or asked_in,
            uploads=answer.uploads,
            final=True,
        )

    async def privately(self, request: Request, message: Message) -> None:
        """Shows a message to the person alone, where they asked if that can be. Never raises."""
        await self._privately(request, Answer(message))

    async def _privately(self, request: Request, answer: Answer) -> None:
        fitted = fit(answer.message)
        files = [*answer.uploads]
        if fitted.overflow is not None:
            files.append(Upload("whole.txt", fitted.overflow.encode(), "The whole text"))
        body = fitted.message.as_json()
        try:
            if not (await self._respond(request, body) or await self._whisper(request, body)):
                await self._write(request, body)
            for file in files:
                await share(self._client, file, channel_id=await self._direct(request.user))
        except OpsbellError as error:
            # Nobody waits for the outcome.
            logger.warning("not answered", extra={"request": request.key, "error": str(error)})

    async def home(self, user: str, view: Mapping[str, Any]) -> None:
        """Shows the view as someone's App Home. Raises what `slack_errors` raises."""
        with slack_errors("views.publish"):
            await self._client.views_publish(user_id=user, view=dict(view))

    async def _respond(self, request: Request, body: dict[str, Any]) -> bool:
        """By response_url, which works five times within half an hour, member or not."""
        url = request.response_url
        if not url:
            return False
        # Without replace_original, the answer to a click could take the message's place.
        body = body | {"response_type": "ephemeral", "replace_original": False}
        if request.thread:
            body["thread_ts"] = request.thread
        timeout = aiohttp.ClientTimeout(total=LIMIT.total_seconds())
        try:
            async with self._session.post(
                url, json=body, timeout=timeout, proxy=proxy_for(url)
            ) as response:
                if response.status == 200:
                    return True
                reason = f"{response.status} {(await response.text())[:80]}"
        except (aiohttp.ClientError, OSError) as error:
            reason = str(error) or type(error).__name__
        logger.warning("response_url refused", extra={"request": request.key, "reason": reason})
        return False

    async def _whisper(self, request: Request, body: dict[str, Any]) -> bool:
        if not request.channel:
            return False
        try:
            with slack_errors("chat.postEphemeral"):
                await self._client.chat_postEphemeral(
                    channel=request.channel,
                    user=request.user,
                    thread_ts=request.thread or None,
                    **body,
                )
        except SlackRefused as error:
            logger.warning("ephemeral refused", extra={"request": request.key, "code": error.code})
            return False
        return True

    async def _write(self, request: Request, body: dict[str, Any]) -> None:
        channel = await self._direct(request.user)
        with slack_errors("chat.postMessage"):
            await self._client.chat_postMessage(channel=channel, **body)

    async def _direct(self, user: str) -> str:
        """The conversation with one person; files, which can't be ephemeral, go there."""
        with slack_errors("conversations.open"):
            opened = await self._client.conversations_open(users=[user])
        return str(opened["channel"]["id"])
