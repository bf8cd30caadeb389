"""A process that makes Slack agree until it is killed.

Arguments: DATABASE_URL API_URL TOKEN [KEY SECONDS]. With the last two it stands still for so
long, as a stopped process does, right after it claimed the post KEY and before it sends it.
"""

from __future__ import annotations

import asyncio
import sys
import time

from bot.slack.client import open_session, web_client
from bot.slack.post_store import Claim, OpenPost, PostStore
from bot.slack.reconciler import Reconciler
from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.queue import Lane, Queue
from tests.slack.posting import QUICK


def freeze(key: str, seconds: float) -> None:
    """Lets the process stand still between the claim and the call."""
    claim = PostStore.claim

    async def frozen(self: PostStore, post: OpenPost, channel_id: str) -> Claim | None:
        claimed = await claim(self, post, channel_id)
        if post.key == key:
            time.sleep(seconds)  # noqa: ASYNC251 - the whole process is to stand still
            print("awake", flush=True)
        return claimed

    setattr(PostStore, "claim", frozen)  # noqa: B010 - mypy rightly wants no methods replaced


async def main(database_url: str, api_url: str, token: str) -> None:
    async with (
        Database(database_url, EventLog(b"a key for tests")) as database,
        open_session() as s,
    ):
        queue = Queue(database)
        await queue.open()
        reconciler = Reconciler(database, queue, web_client(s, token, api_url), QUICK)
        reconciler.register()
        await reconciler.recover()
        print("working", flush=True)
        await queue.run({Lane.POSTS: 4})


if __name__ == "__main__":
    if len(sys.argv) > 4:
        freeze(sys.argv[4], float(sys.argv[5]))
    asyncio.run(main(*sys.argv[1:4]))
