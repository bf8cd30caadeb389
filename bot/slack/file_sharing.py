"""The files of posts: each into its thread, once, also when the process dies in between."""

from __future__ import annotations

import asyncio
import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import NeverSent, RateLimited, SlackAway, SlackRefused
from bot.slack.file_store import FileStore, OpenFile
from bot.slack.posting import TOKEN_REFUSED, Timing, check_time
from bot.slack.uploads import is_shown, send_content, show
from bot.store.database import Database
from bot.store.events import Event

logger = logging.getLogger(__name__)


class FileSharer:
    """Shares the files of posts."""

    def __init__(
        self, database: Database, files: FileStore, client: AsyncWebClient, timing: Timing
    ) -> None:
        self._database, self._files, self._client, self._timing = database, files, client, timing

    async def advance(self, key: str) -> float | None:
        """Does the next thing for a post's files: seconds to wait, None when all are done.

        Raises SlackAway, RateLimited, and SlackRefused where no call will succeed with this
        token.
        """
        file = await self._files.next(key, self._timing.settle)
        if file is None:
            return None
        if file.wait > 0:
            return file.wait
        try:
            await self._do(file)
        except SlackRefused as refusal:
            if refusal.code in TOKEN_REFUSED:
                raise
            await self._give_up(file, refusal.message)
        return 0

    async def _do(self, file: OpenFile) -> None:
        if not file.file_id:
            await self._files.uploaded(file, await send_content(self._client, file.upload))
        elif file.unsettled is None:
            await self._share(file)
        else:
            await self._settle(file)

    async def _share(self, file: OpenFile) -> None:
        try:
            async with asyncio.timeout(self._timing.call.total_seconds()) as limit:
                if not await self._files.sharing(file):
                    return
                check_time(limit)
                await show(
                    self._client,
                    file.upload,
                    file.file_id,
                    channel_id=file.channel_id,
                    thread=file.thread,
                )
        except TimeoutError as error:
            raise SlackAway("Slack did not answer in time.") from error
        except (NeverSent, RateLimited):
            await self._files.unshared(file)
            raise
        if not file.upload.alt or await self._is_shown(file):
            await self._files.shared(file)
        else:
            await self._files.again_without_alt(file)

    async def _settle(self, file: OpenFile) -> None:
        """Finds out what became of an attempt to share of unknown outcome."""
        if await self._is_shown(file):
            await self._files.shared(file)
        else:
            await self._files.unshared(file)

    async def _is_shown(self, file: OpenFile) -> bool:
        return await is_shown(self._client, file.file_id, file.channel_id, self._timing.share)

    async def _give_up(self, file: OpenFile, reason: str) -> None:
        logger.warning("post.file_failed", extra={"post": file.key, "reason": reason})
        detail = {"file": file.upload.name, "reason": reason}
        event = Event("opsbell", "post.file_failed", file.key, outcome="failed", detail=detail)
        async with self._database.transaction() as tx:
            await self._files.failed(tx, file)
            tx.record(event)
