"""The SQL of posts: what is wanted, what is under way, and what Slack is known to show.

A row is *open* while something has to be done for it: it was never posted, its message differs
from the one sent last, or the outcome of a call is unknown. Times are the database's alone, so
that the replicas' clocks need not agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.slack.message import Message
from bot.store.database import Database, Transaction


@dataclass(frozen=True)
class OpenPost:
    """A post for which something has to be done.

    `wait` is in how many seconds it may be done, 0 or less for now. `unsettled` is since when
    the outcome of a call is unknown. `parent` is the state of the post in whose thread it goes,
    and `thread` that thread's ts, both "" where there is none (yet).
    """

    key: str
    channel: str
    channel_id: str
    ts: str
    thread: str
    parent: str
    final: bool
    sent_at: datetime | None
    unsettled: datetime | None
    wait: float

    @classmethod
    def from_row(cls, row: DictRow) -> OpenPost:
        """From a row of the view open_posts."""
        return cls(
            key=row["key"],
            channel=row["channel"],
            channel_id=row["channel_id"],
            ts=row["ts"] or "",
            thread=row["thread"] or "",
            parent=row["parent"] or "",
            final=row["final"],
            sent_at=row["sent_at"],
            unsettled=row["sending_at"],
            wait=row["wait"],
        )


@dataclass(frozen=True)
class Claim:
    """The right to make one call for a post, and what that call is to say."""

    message: Message
    digest: str
    sending_at: datetime
    plain: bool


@dataclass(frozen=True)
class Trouble:
    """What a channel waits for, and whether it did not say so before."""

    is_news: bool


_NEXT_POST: LiteralString = """
    select *, coalesce(
        extract(epoch from sending_at + %(settle)s - clock_timestamp()), 0)::float as wait
    from open_posts where channel = %(channel)s and ts is null
    order by seq limit 1
"""
_NEXT_UPDATE: LiteralString = """
    select * from (
        select *, coalesce(extract(epoch from
            greatest(sending_at + %(settle)s, sent_at + %(interval)s) - clock_timestamp()
        ), 0)::float as wait
        from open_posts where channel = %(channel)s and ts is not null
    ) updates
    order by greatest(wait, 0), not final, sent_at limit 1
"""
_CURRENT: LiteralString = """
    select channel, digest, state,
           state = 'live' and (digest <> sent_digest or sending_at is not null) as open
    from posts where key = %(key)s for update
"""
_INSERT: LiteralString = """
    insert into posts (key, channel, under, thread, message, digest, final)
    values (%(key)s, %(channel)s, %(under)s, %(thread)s, %(message)s, %(digest)s, %(final)s)
    on conflict (key) do nothing
"""
# A post that stands nowhere yet may still go elsewhere: its channel was misspelt, perhaps.
_CHANGE: LiteralString = """
    update posts
    set message = %(message)s, digest = %(digest)s, final = %(final)s, state = 'live', reason = '',
        channel = case when ts is null and sending_at is null and under is null
                  then %(channel)s else channel end
    where key = %(key)s
    returning channel
"""
# Slack has one level of replies: what stands under a reply stands in that reply's thread.
_ROOT: LiteralString = """
    select channel, thread, case when thread = '' then coalesce(under, key) end as under
    from posts where key = %s
"""


class PostStore:
    """Reads and writes posts. Everything that `sending_at` guards is done by who set it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(
        self,
        tx: Transaction,
        key: str,
        message: Message,
        *,
        channel: str,
        under: str,
        thread: str,
        final: bool,
    ) -> str | None:
        """Writes what a post should say; the channel for which a job must be queued, if any.

        Raises LookupError where there is no post `under`.
        """
        wanted = {
            "key": key,
            "channel": channel,
            "message": Jsonb(message.as_json()),
            "digest": message.digest(),
            "final": final,
        }
        if await tx.first(_CURRENT, wanted) is None:
            wanted |= {"under": None, "thread": thread}
            if under:
                wanted |= dict(await tx.one(_ROOT, (under,)))
            if await tx.execute(_INSERT, wanted):
                return str(wanted["channel"])
        # Nobody deletes posts, so it is there now, and locked until the end of the transaction.
        current = await tx.one(_CURRENT, wanted)
        if current["state"] == "gone" or current["digest"] == wanted["digest"]:
            return None
        changed = await tx.one(_CHANGE, wanted)
        is_queued = current["open"] and current["channel"] == changed["channel"]
        return None if is_queued else str(changed["channel"])

    async def next_post(self, channel: str, settle: timedelta) -> OpenPost | None:
        """The channel's oldest post that Slack does not show yet."""
        row = await self.database.first(_NEXT_POST, {"channel": channel, "settle": settle})
        return OpenPost.from_row(row) if row else None

    async def next_update(
        self, channel: str, settle: timedelta, interval: timedelta
    ) -> OpenPost | None:
        """The channel's message to be updated next: final states first, then the stalest."""
        parameters = {"channel": channel, "settle": settle, "interval": interval}
        row = await self.database.first(_NEXT_UPDATE, parameters)
        return OpenPost.from_row(row) if row else None

    async def claim(self, post: OpenPost, channel_id: str) -> Claim | None:
        """Commits that a call is about to be made; None where another process was quicker."""
        row = await self.database.first(
            "update posts set sending_at = clock_timestamp(), channel_id = %s"
            " where key = %s and state = 'live' and sending_at is null"
            " and coalesce(ts, '') = %s and digest <> sent_digest"
            " returning message, digest, sending_at, plain_digest = digest as plain",
            (channel_id, post.key, post.ts),
        )
        if row is None:
            return None
        message = Message.from_json(row["message"])
        return Claim(message, row["digest"], row["sending_at"], row["plain"])

    async def sent(self, tx: Transaction, key: str, claim: Claim, ts: str) -> None:
        """Keeps that the call was made: Slack shows what the claim said."""
        await tx.execute(
            "update posts set ts = %s, sent_digest = %s, sent_at = now(), sending_at = null"
            " where key = %s and sending_at = %s",
            (ts, claim.digest, key, claim.sending_at),
        )

    async def release(self, key: str, sending_at: datetime) -> None:
        """Keeps that a call certainly changed nothing, so that it may be made again."""
        await self.database.execute(
            "update posts set sending_at = null where key = %s and sending_at = %s",
            (key, sending_at),
        )

    async def found(self, tx: Transaction, post: OpenPost, ts: str) -> None:
        """Takes the place where a call of unknown outcome turned out to have put the post.

        What it says there is not known well enough, so an update follows.
        """
        await tx.execute(
            "update posts set ts = %s, sent_at = now(), sending_at = null"
            " where key = %s and sending_at = %s and ts is null",
            (ts, post.key, post.unsettled),
        )

    async def unsure(self, post: OpenPost) -> None:
        """Forgets what the message shows, after an update of unknown outcome."""
        await self.database.execute(
            "update posts set sending_at = null, sent_digest = '' where key = %s"
            " and sending_at = %s",
            (post.key, post.unsettled),
        )

    async def refuse_blocks(self, tx: Transaction, key: str, claim: Claim) -> None:
        """Keeps that Slack takes this message only as plain text."""
        await tx.execute(
            "update posts set sending_at = null, plain_digest = %s"
            " where key = %s and sending_at = %s",
            (claim.digest, key, claim.sending_at),
        )

    async def fail(self, tx: Transaction, key: str, claim: Claim, reason: str) -> None:
        """Gives up what the claim said; what was put meanwhile is still to be said."""
        await tx.execute(
            "update posts set sending_at = null, reason = %s,"
            " state = case when digest = %s then 'failed' else state end"
            " where key = %s and sending_at = %s",
            (reason, claim.digest, key, claim.sending_at),
        )

    async def abandon(self, tx: Transaction, key: str, state: str, reason: str) -> None:
        """Gives a post up whatever it says: `failed` until it is put anew, or `gone` for good."""
        await tx.execute(
            "update posts set sending_at = null, state = %s, reason = %s where key = %s",
            (state, reason, key),
        )

    async def waiting(self) -> int:
        """How many posts Slack does not show as they should be."""
        row = await self.database.one("select count(*) as posts from open_posts")
        return int(row["posts"])

    async def open_channels(self) -> list[str]:
        """The channels in which something has to be done."""
        rows = await self.database.all("select distinct channel from open_posts")
        return [row["channel"] for row in rows]

    async def place(self, key: str) -> DictRow | None:
        """The channel ID and ts of a post that Slack shows."""
        return await self.database.first(
            "select channel_id, ts from posts"
            " where key = %s and ts is not null and state <> 'gone'",
            (key,),
        )

    async def find(self, channel_id: str, ts: str) -> str | None:
        """The key of the post at a place."""
        row = await self.database.first(
            "select key from posts where channel_id = %s and ts = %s", (channel_id, ts)
        )
        return row["key"] if row else None

    async def troubles(self) -> dict[str, str]:
        """What keeps channels waiting."""
        rows = await self.database.all("select channel, trouble from post_troubles order by since")
        return {row["channel"]: row["trouble"] for row in rows}

    async def trouble(
        self, tx: Transaction, channel: str, trouble: str, look_after: timedelta
    ) -> Trouble | None:
        """Keeps what the channel waits for; None where a look is queued already."""
        row = await tx.first(
            "with before as (select trouble from post_troubles where channel = %(channel)s)"
            " insert into post_troubles (channel, trouble, look_at)"
            " values (%(channel)s, %(trouble)s, now() + %(after)s)"
            " on conflict (channel) do update"
            " set trouble = excluded.trouble, look_at = excluded.look_at"
            " where post_troubles.look_at <= now()"
            " returning trouble is distinct from (select trouble from before) as is_news",
            {"channel": channel, "trouble": trouble, "after": look_after},
        )
        return Trouble(is_news=row["is_news"]) if row else None

    async def look(self, tx: Transaction, channel: str) -> None:
        """Keeps that the look that was queued takes place now."""
        await tx.execute("update post_troubles set look_at = now() where channel = %s", (channel,))

    async def over(self, channel: str) -> None:
        """Forgets the channel's trouble."""
        await self.database.execute("delete from post_troubles where channel = %s", (channel,))
