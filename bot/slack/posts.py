"""Posts: what Slack's messages should say, under stable keys.

`put` writes the wish into the caller's transaction; the reconciler makes Slack agree. What is put
ten times in a second becomes one edit, and what is put while Slack is away is said when it is
back. A key stands for one message for ever: the first `put` posts it, later ones change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import SlackRefused, slack_errors
from bot.slack.file_store import FileStore
from bot.slack.limits import fit
from bot.slack.message import Message, Upload
from bot.slack.post_store import PostStore
from bot.store.database import Database, Transaction
from bot.store.queue import Queue

RECONCILE = "posts.reconcile"
SHARE_FILES = "posts.share_files"


@dataclass(frozen=True)
class PostPlace:
    """Where a post stands in Slack."""

    channel_id: str
    ts: str


class Posts:
    """The one way in which Opsbell speaks in channels."""

    def __init__(self, database: Database, queue: Queue, client: AsyncWebClient) -> None:
        self._database = database
        self._queue = queue
        self._client = client
        self._store = PostStore(database)
        self._files = FileStore(database)

    async def put(
        self,
        tx: Transaction,
        key: str,
        *,
        channel: str,
        message: Message,
        under: str = "",
        thread: str = "",
        uploads: Sequence[Upload] = (),
        final: bool = False,
    ) -> None:
        """Says what the post `key` should say from the transaction's commit on.

        `channel` is a name or an ID. The post goes into the thread of the post `under`, in that
        one's channel, or of someone's message with the ts `thread`; the first put fixes both.
        New posts keep their order among those put with the same `channel`. `uploads` go into the
        post's own thread, each content once. Of the messages that wait for their turn to be
        edited, `final` ones go first: those that will not change again soon.

        Raises UnfitBlocks for what Slack would refuse, and LookupError where there is no post
        `under`. A message that is too long is cut, with the whole text attached in the thread.
        """
        fitted = fit(message)
        changed = await self._store.put(
            tx, key, fitted.message, channel=channel, under=under, thread=thread, final=final
        )
        if changed is not None:
            await self._queue.defer(tx, RECONCILE, {"channel": changed}, lock=f"posts:{changed}")
        added = [await self._files.add(tx, key, upload) for upload in uploads]
        if fitted.overflow is not None:
            added.append(await self._files.add_whole(tx, key, fitted.overflow))
        if any(added):
            await defer_files(self._queue, self._files, tx, key)

    async def where(self, key: str) -> PostPlace | None:
        """Where the post stands; None while Slack has not shown it."""
        row = await self._store.place(key)
        return PostPlace(row["channel_id"], row["ts"]) if row else None

    async def find(self, channel_id: str, ts: str) -> str | None:
        """The key of the post that stands there; None if the message is none of these."""
        return await self._store.find(channel_id, ts)

    async def permalink(self, key: str) -> str | None:
        """A link to the post; None while it is not shown, or where it was deleted.

        Raises SlackAway or RateLimited where Slack does not say.
        """
        place = await self.where(key)
        if place is None:
            return None
        try:
            with slack_errors("chat.getPermalink"):
                answer = await self._client.chat_getPermalink(
                    channel=place.channel_id, message_ts=place.ts
                )
        except SlackRefused:
            return None
        return str(answer["permalink"])

    async def waiting(self) -> int:
        """How many posts Slack does not show as they should be."""
        return await self._store.waiting()

    async def troubles(self) -> dict[str, str]:
        """What keeps posts waiting that someone should know of: channel → one sentence."""
        return await self._store.troubles()


async def defer_files(queue: Queue, files: FileStore, tx: Transaction, key: str) -> None:
    """Queues the sharing of a post's files, where it has some and its thread is there.

    Called both when files are added and when the post gets its place; each holds the post's row,
    so one of the two sees the other's work.
    """
    if await files.are_ready(tx, key):
        await queue.defer(tx, SHARE_FILES, {"key": key}, lock=f"files:{key}")
