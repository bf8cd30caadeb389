"""Making Slack agree with what its messages should say: one call at a time per channel."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OpsbellError
from bot.slack.channels import Channels
from bot.slack.client import RateLimited, SlackAway, SlackRefused, impatient
from bot.slack.file_sharing import FileSharer
from bot.slack.file_store import FileStore
from bot.slack.pace import Pace
from bot.slack.post_store import OpenPost, PostStore
from bot.slack.posting import Poster, Timing
from bot.slack.posts import RECONCILE, SHARE_FILES, defer_files
from bot.store.database import Database
from bot.store.queue import Lane, Queue, Stopping

logger = logging.getLogger(__name__)

LOOK = "posts.look"
LOOK_AT_FILES = "posts.look_at_files"
_FILES = "file uploads"  # among the channels that wait for something; no channel has such a name
# A single hiccup is nobody's business.
FAILURES_TOLD_OF = 3


class Reconciler:
    """The jobs behind posts. One process makes one."""

    def __init__(
        self, database: Database, queue: Queue, client: AsyncWebClient, timing: Timing | None = None
    ) -> None:
        self._database, self._queue = database, queue
        self._timing = timing or Timing()
        self._store, self._files = PostStore(database), FileStore(database)
        # Repetition is decided here, where it is known what may have been done.
        client = impatient(client)
        self._channels = Channels(client)
        self._poster = Poster(
            self._store, self._files, queue, client, self._channels, Pace(), self._timing
        )
        self._sharer = FileSharer(database, self._files, client, self._timing)
        self._stopping = asyncio.Event()

    def register(self) -> None:
        """Names the jobs' handlers to the queue."""
        self._queue.handle(RECONCILE, self.reconcile, lane=Lane.POSTS)
        self._queue.handle(LOOK, self.look, lane=Lane.POSTS)
        self._queue.handle(SHARE_FILES, self.share_files, lane=Lane.POSTS)
        self._queue.handle(LOOK_AT_FILES, self.look_at_files, lane=Lane.POSTS)

    async def recover(self) -> None:
        """Queues a job for all that is open, at the start: a job may have been lost by hand."""
        for channel in await self._store.open_channels():
            await self.look(channel)
        for key in await self._files.ready_posts():
            await self.look_at_files(key)

    def stop(self) -> None:
        """Ends the jobs that wait, after the calls under way."""
        self._stopping.set()

    async def look(self, channel: str) -> None:
        """The job that has a channel reconciled after a while."""
        async with self._database.transaction() as tx:
            await self._store.look(tx, channel)
            await self._queue.defer(tx, RECONCILE, {"channel": channel}, lock=f"posts:{channel}")

    async def reconcile(self, channel: str) -> None:
        """The job that works until nothing of the channel is open, however long Slack is away.

        A put that commits while this ends is not overlooked. Where the post was not open, the
        put queued a job of its own, which starts after this one. Where it was open, the put
        queued none but held the post's row when it saw it open. It is this job that closes the
        row; to do so it must wait for the put's commit, and then the row, which now says
        something else than what was sent, stays open. So the last look below still finds it.
        """
        failures = 0
        while True:
            try:
                rest = await self._step(channel)
            except (SlackAway, SlackRefused, RateLimited) as error:
                failures += 1
                rest = self._pause(error, failures)
                if failures >= FAILURES_TOLD_OF or isinstance(error, SlackRefused):
                    await self._tell(channel, error)
            else:
                if rest == 0 and failures:
                    failures = 0
                    await self._store.over(channel)
            if rest is None:
                return
            await self._rest(rest)

    async def share_files(self, key: str) -> None:
        """The job that works until all files of a post are in its thread.

        Where Slack does not take them it ends, and another one is to go on later: messages wait
        for the same workers.
        """
        failures = 0
        while True:
            try:
                rest = await self._sharer.advance(key)
            except (SlackAway, SlackRefused, RateLimited) as error:
                failures += 1
                if failures >= FAILURES_TOLD_OF:
                    await self._put_off_files(key, error)
                    return
                rest = self._pause(error, failures)
            else:
                if rest == 0:
                    await self._store.over(_FILES)
            if rest is None:
                return
            await self._rest(rest)

    async def look_at_files(self, key: str) -> None:
        """The job that has the files of a post shared after a while."""
        async with self._database.transaction() as tx:
            await defer_files(self._queue, self._files, tx, key)

    async def _put_off_files(self, key: str, error: OpsbellError) -> None:
        await self._tell(_FILES, error)
        async with self._database.transaction() as tx:
            later = datetime.now(UTC) + self._timing.look
            await self._queue.defer(tx, LOOK_AT_FILES, {"key": key}, at=later)

    async def _step(self, channel: str) -> float | None:
        """Does the next thing: seconds to wait before another; None when there is nothing."""
        timing = self._timing
        post = await self._store.next_post(channel, timing.settle)
        update = await self._store.next_update(channel, timing.settle, timing.interval)
        if post is None and update is None:
            await self._store.over(channel)
            return None
        channel_id = await self._channels.resolve(channel)
        if channel_id is None:
            await self._wait_for_invitation(channel)
            return None
        # New messages first: they are what people wait for, and they need no turn among edits.
        rests = [timing.poll.total_seconds()]
        if post is not None:
            rests.append(await self._advance(post, self._poster.post, channel_id))
        if update is not None and rests[-1] > 0:
            rests.append(await self._advance(update, self._poster.update, channel_id))
        return min(rests)

    async def _advance(
        self, post: OpenPost, advance: Callable[[OpenPost, str], Awaitable[float]], channel_id: str
    ) -> float:
        """Advances one post; a defect in doing so ends that post and no other."""
        try:
            return await advance(post, channel_id)
        except (OpsbellError, psycopg.Error):
            raise
        except Exception:
            logger.exception("post not sent", extra={"post": post.key})
            await self._poster.give_up(post, "a defect in Opsbell; its log tells more")
            return 0

    async def _wait_for_invitation(self, channel: str) -> None:
        """Has the channel looked at again later; at most one such look is queued at a time."""
        words = f"Opsbell is not in #{channel.removeprefix('#')}: type /invite @opsbell there."
        look = self._timing.look
        async with self._database.transaction() as tx:
            trouble = await self._store.trouble(tx, channel, words, look)
            if trouble is not None:
                await self._queue.defer(tx, LOOK, {"channel": channel}, at=datetime.now(UTC) + look)
        if trouble is not None and trouble.is_news:
            logger.warning("posts wait", extra={"channel": channel, "trouble": words})

    async def _tell(self, channel: str, error: OpsbellError) -> None:
        """Names what the channel waits for, in the log and for the status."""
        async with self._database.transaction() as tx:
            trouble = await self._store.trouble(tx, channel, str(error), timedelta())
        if trouble is not None and trouble.is_news:
            logger.warning("posts wait", extra={"channel": channel, "trouble": str(error)})

    def _pause(self, error: OpsbellError, failures: int) -> float:
        """How long to leave Slack alone: twice as long each time, up to `Timing.patience`."""
        patience = self._timing.patience.total_seconds()
        if isinstance(error, RateLimited):
            return error.retry_after
        if isinstance(error, SlackRefused):
            return patience
        return float(min(patience, 0.25 * 2 ** min(failures, 10)))

    async def _rest(self, seconds: float) -> None:
        """Rests. Raises Stopping as soon as Opsbell stops."""
        if seconds > 0 and not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()
        if self._stopping.is_set():
            raise Stopping
