"""A campaign for each test, on databases that its runs copy."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.playground import triggers
from tests.crash.campaign import Campaign, templates
from tests.crash.nursery import open_nursery
from tests.crash.stage import LIMIT
from tests.parts.postgres import PostgresServer


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    with templates(postgres):
        yield postgres


@pytest.fixture
async def campaign(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Campaign]:
    # With so many runs at once, a modal may open later than Slack would bear.
    monkeypatch.setattr(triggers, "LIFETIME", LIMIT)
    async with open_nursery() as nursery:
        yield Campaign(nursery, server, tmp_path)
