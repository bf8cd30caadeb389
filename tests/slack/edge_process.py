"""The edge in a process of its own, to be killed: `python -m tests.slack.edge_process`.

Arguments: the local Slack's API URL, its bot and app tokens, the database's URL, and whether to
work off jobs (`work` or `ack-only`).
"""

from __future__ import annotations

import asyncio
import sys

from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.queue import Queue
from tests.slack.edge import Door, edge
from tests.store.patience import PATIENCE


async def main() -> None:
    api_url, bot_token, app_token, url, mode = sys.argv[1:]
    async with Database(url, EventLog(b"a key for tests")) as database:
        queue = Queue(database)
        await queue.open()
        door = Door(api_url, bot_token, app_token, "")
        async with edge(door, database, queue, limit=PATIENCE, work=mode == "work"):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
