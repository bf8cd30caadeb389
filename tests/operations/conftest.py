"""Operations for each test, with workers or without."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.slack.client import open_session, web_client
from bot.slack.posts import RECONCILE, SHARE_FILES
from bot.store.database import Database
from bot.store.queue import Lane, Queue
from tests.operations.house import House, Recorder
from tests.parts.operations import new_operations


async def nothing(**arguments: object) -> None:
    """Slack is away: posts wait."""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def house(database: Database, queue: Queue, session: aiohttp.ClientSession) -> House:
    queue.handle(RECONCILE, nothing, lane=Lane.POSTS)
    queue.handle(SHARE_FILES, nothing, lane=Lane.POSTS)
    operations = new_operations(database, queue, web_client(session, "xoxb-unused"))
    recorder = Recorder()
    operations.register("record", recorder)
    return House(database, queue, operations, recorder)


@pytest.fixture
async def running(house: House, working: Queue) -> House:
    return house
