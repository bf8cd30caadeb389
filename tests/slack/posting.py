"""What the tests of the outbound edge share: a local Slack, and posts that reach it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import aiohttp

from bot.cancelling import end
from bot.playground import LocalSlack
from bot.slack import blocks
from bot.slack.client import open_session, web_client
from bot.slack.message import Message
from bot.slack.posting import Timing
from bot.slack.posts import Posts
from bot.slack.reconciler import Reconciler
from bot.store.database import Database
from bot.store.queue import Lane, Queue

# As in production, with less patience, so that a test of an outage takes seconds.
QUICK = Timing(
    call=timedelta(seconds=1),
    settle=timedelta(seconds=2),
    interval=timedelta(seconds=1),
    poll=timedelta(milliseconds=100),
    patience=timedelta(seconds=1),
    look=timedelta(seconds=1),
    share=timedelta(seconds=2),
)
# For counting calls: none expires because the test stood still in the midst of it.
UNHURRIED = replace(QUICK, call=timedelta(seconds=10))


def says(text: str) -> Message:
    """A message with one section."""
    return Message(text, (blocks.section(text),))


@dataclass
class Desk:
    """Posts on one database and one local Slack; `working` while its reconciler runs."""

    slack: LocalSlack
    database: Database
    queue: Queue
    posts: Posts
    reconciler: Reconciler
    session: aiohttp.ClientSession
    _workers: asyncio.Task[None] | None = field(default=None)

    async def put(self, key: str, text: str, channel: str = "ops", **options: Any) -> None:
        """One put in a transaction of its own."""
        async with self.database.transaction() as tx:
            await self.posts.put(tx, key, channel=channel, message=says(text), **options)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Lets the reconciler make Slack agree, from its start to its stop."""
        await self.reconciler.recover()
        workers = asyncio.create_task(self.queue.run({Lane.POSTS: 8}))
        try:
            yield
        finally:
            self.reconciler.stop()
            await end([workers])

    async def settled(self, timeout: float = 20) -> None:
        """Returns once nothing is open any more. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while await self.database.first(
                "select 1 as one from open_posts union all"
                " select 1 from post_files where state = 'open'"
            ):
                await asyncio.sleep(0.05)

    def texts(self, channel: str = "ops") -> list[str]:
        """What the channel's messages say, oldest first."""
        return [message.text for message in self.slack.messages(channel)]


@contextlib.asynccontextmanager
async def open_desk(
    database: Database, slack: LocalSlack, timing: Timing = QUICK
) -> AsyncIterator[Desk]:
    """A desk; several on one database are several replicas."""
    async with open_session() as session:
        queue = Queue(database)
        await queue.open()
        client = web_client(session, slack.bot_token, slack.api_url)
        posts = Posts(database, queue, client)
        reconciler = Reconciler(database, queue, client, timing)
        reconciler.register()
        yield Desk(slack, database, queue, posts, reconciler, session)
