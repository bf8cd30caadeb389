"""One call to Slack for one post, and what its outcome means.

Before each call a row says that it is about to be made (`sending_at`), and the call ends within
`Timing.call` of that commit. So whoever finds such a row without an outcome, after a crash or in
place of a process that only seemed dead, waits until `Timing.settle` is over: nothing of that
call can arrive any more. A new message is then looked for by its key before it is posted again,
and an edit is made anew. No two processes ever make a call for one post at the same time.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.channels import Channels
from bot.slack.client import NeverSent, RateLimited, SlackAway, SlackRefused, slack_errors
from bot.slack.file_store import FileStore
from bot.slack.lookup import find_message, metadata
from bot.slack.pace import Pace
from bot.slack.post_store import Claim, OpenPost, PostStore
from bot.slack.posts import defer_files
from bot.store.database import Transaction
from bot.store.events import Event
from bot.store.queue import Queue

logger = logging.getLogger(__name__)

# Answers that mean: not with these blocks.
BLOCKS_REFUSED = {
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "block_mismatch",
}
# Answers that an invitation changes.
OUTSIDE = {"not_in_channel", "channel_not_found"}
# Answers that hold for every call until someone sees to Opsbell's token.
TOKEN_REFUSED = {
    "access_denied",
    "account_inactive",
    "invalid_auth",
    "missing_scope",
    "not_allowed_token_type",
    "not_authed",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
}
DELETED = {"message_not_found"}
_NO_THREAD = "thread_not_found"


@dataclass(frozen=True)
class Timing:
    """How long things take at most, or are waited for.

    `call` bounds a call from before its claim to its answer; `settle` is when nothing of it can
    arrive any more, counted from the claim. `interval` is the least time between two edits of
    one message. `poll` is how often a channel that waits for its turn looks for what is new.
    `patience` is the longest pause while Slack is away, `look` that of a channel without Opsbell.
    `share` is how long a file may take to appear once it is shared.
    """

    call: timedelta = timedelta(seconds=10)
    settle: timedelta = timedelta(seconds=15)
    interval: timedelta = timedelta(seconds=1)
    poll: timedelta = timedelta(milliseconds=250)
    patience: timedelta = timedelta(seconds=10)
    look: timedelta = timedelta(seconds=15)
    share: timedelta = timedelta(seconds=20)


def check_time(limit: asyncio.Timeout) -> None:
    """Raises TimeoutError if the time is over.

    asyncio tells a task so only when the event loop turns, and a process that stood still between
    its claim and its call would send a whole request before that.
    """
    end = limit.when()
    if end is not None and asyncio.get_running_loop().time() >= end:
        raise TimeoutError


class Poster:
    """Makes the calls. Each verb returns the seconds to wait; 0 means that something was done."""

    def __init__(
        self,
        store: PostStore,
        files: FileStore,
        queue: Queue,
        client: AsyncWebClient,
        channels: Channels,
        pace: Pace,
        timing: Timing,
    ) -> None:
        self._store, self._files, self._queue = store, files, queue
        self._client, self._channels, self._pace, self._timing = client, channels, pace, timing
        self._looked_for: set[tuple[str, datetime]] = set()

    async def post(self, post: OpenPost, channel_id: str) -> float:
        """Advances a post that Slack does not show yet.

        Raises SlackAway, or SlackRefused where no call will succeed with this token.
        """
        if post.unsettled is not None:
            return await self._settle(post, post.unsettled)
        if post.parent and not post.thread:
            return await self._orphan(post)
        bucket = self._pace.posts(channel_id)
        if wait := bucket.wait():
            return wait
        bucket.take()
        try:
            await self._call(post, channel_id)
        except RateLimited as limit:
            bucket.pause(limit.retry_after)
        return 0

    async def update(self, post: OpenPost, channel_id: str) -> float:
        """Advances a message that shows something else than it should. Raises as `post` does."""
        if post.wait > 0:
            return post.wait
        if post.unsettled is not None:
            await self._store.unsure(post)
            return 0
        try:
            async with asyncio.timeout(self._timing.poll.total_seconds()):
                await self._pace.updates.take((not post.final, post.sent_at))
        except TimeoutError:
            return 0  # It has waited already; something more urgent may have come meanwhile.
        try:
            await self._call(post, post.channel_id)
        except RateLimited as limit:
            self._pace.updates.pause(limit.retry_after)
        return 0

    async def _settle(self, post: OpenPost, unsettled: datetime) -> float:
        """Finds out what became of a call of unknown outcome for a new message.

        Two looks: one at once, because it is mostly there, and one when it can no longer come.
        """
        if post.wait > 0 and (post.key, unsettled) in self._looked_for:
            return post.wait
        self._looked_for.add((post.key, unsettled))
        try:
            ts = await find_message(
                self._client,
                post.key,
                channel_id=post.channel_id,
                thread=post.thread,
                since=unsettled,
            )
        except SlackRefused as refusal:
            if refusal.code == _NO_THREAD:
                ts = None  # deleted, and what may have been posted there with it
            elif refusal.code in OUTSIDE:
                self._channels.doubt(post.channel)
                return self._timing.poll.total_seconds()
            else:
                raise
        # `post.wait` was read before the look, so where it says that the time is over, the look
        # began after that.
        if ts is None and post.wait > 0:
            return post.wait
        self._looked_for.discard((post.key, unsettled))
        if ts is None:
            await self._store.release(post.key, unsettled)
        else:
            async with self._store.database.transaction() as tx:
                await self._store.found(tx, post, ts)
                await defer_files(self._queue, self._files, tx, post.key)
        return 0

    async def _orphan(self, post: OpenPost) -> float:
        """A reply whose thread will not come fails with it."""
        if post.parent == "live":
            return self._timing.poll.total_seconds()
        async with self._store.database.transaction() as tx:
            await self._abandon(tx, post, "failed", "the message above it was not posted")
        return 0

    async def _call(self, post: OpenPost, channel_id: str) -> None:
        """Claims the post, makes the call and keeps the outcome, or leaves it to be settled."""
        try:
            async with asyncio.timeout(self._timing.call.total_seconds()) as limit:
                claim = await self._store.claim(post, channel_id)
                if claim is None:
                    return
                check_time(limit)
                await self._make(post, channel_id, claim)
        except TimeoutError as error:
            raise SlackAway("Slack did not answer in time.") from error

    async def _make(self, post: OpenPost, channel_id: str, claim: Claim) -> None:
        try:
            ts = await self._send(post, channel_id, claim)
        except (NeverSent, RateLimited):
            await self._store.release(post.key, claim.sending_at)
            raise
        except SlackRefused as refusal:
            await self._refused(post, claim, refusal)
            return
        async with self._store.database.transaction() as tx:
            await self._store.sent(tx, post.key, claim, ts)
            if not post.ts:
                await defer_files(self._queue, self._files, tx, post.key)

    async def _send(self, post: OpenPost, channel_id: str, claim: Claim) -> str:
        blocks = [] if claim.plain else [dict(block) for block in claim.message.blocks]
        if post.ts:
            with slack_errors("chat.update"):
                await self._client.chat_update(
                    channel=channel_id,
                    ts=post.ts,
                    text=claim.message.text,
                    blocks=blocks or None,
                )
            return post.ts
        with slack_errors("chat.postMessage"):
            answer = await self._client.chat_postMessage(
                channel=channel_id,
                text=claim.message.text,
                blocks=blocks or None,
                thread_ts=post.thread or None,
                metadata=metadata(post.key),
                unfurl_links=False,
                unfurl_media=False,
            )
        return str(answer["ts"])

    async def _refused(self, post: OpenPost, claim: Claim, refusal: SlackRefused) -> None:
        """Keeps what a refusal means for this post alone; raises it where it means more."""
        if refusal.code in TOKEN_REFUSED:
            await self._store.release(post.key, claim.sending_at)
            raise refusal
        if refusal.code in OUTSIDE:
            await self._store.release(post.key, claim.sending_at)
            self._channels.doubt(post.channel)
            return
        async with self._store.database.transaction() as tx:
            if refusal.code in DELETED and post.ts:
                await self._abandon(tx, post, "gone", "someone deleted it")
            elif refusal.code in BLOCKS_REFUSED and claim.message.blocks and not claim.plain:
                await self._store.refuse_blocks(tx, post.key, claim)
                self._tell(tx, post, "post.plain", refusal.message)
            else:
                await self._store.fail(tx, post.key, claim, refusal.message)
                self._tell(tx, post, "post.failed", refusal.message)

    async def give_up(self, post: OpenPost, reason: str) -> None:
        """Lets a post fail whose sending ran into a defect, so that the others go on."""
        async with self._store.database.transaction() as tx:
            await self._abandon(tx, post, "failed", reason)

    async def _abandon(self, tx: Transaction, post: OpenPost, state: str, reason: str) -> None:
        await self._store.abandon(tx, post.key, state, reason)
        self._tell(tx, post, f"post.{state}", reason)

    def _tell(self, tx: Transaction, post: OpenPost, action: str, reason: str) -> None:
        logger.warning(action, extra={"post": post.key, "channel": post.channel, "reason": reason})
        detail = {"channel": post.channel, "reason": reason}
        tx.record(Event("opsbell", action, subject=post.key, outcome="failed", detail=detail))
