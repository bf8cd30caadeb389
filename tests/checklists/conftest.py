"""Checklists on a real PostgreSQL; `Bench` holds what a test works with."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow

from bot.checklists import store
from bot.checklists.jobs import Jobs
from bot.checklists.lookup import Lookup
from bot.checklists.model import Item, Run
from bot.checklists.publish import Publisher
from bot.checklists.service import Checklists
from bot.checks.service import Checks
from bot.config.settings import Settings
from bot.playground import LocalSlack
from bot.slack.client import open_session, web_client
from bot.slack.message import Message
from bot.slack.posts import Posts
from bot.slack.reconciler import Reconciler
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.targets import Targets

ALICE, BOB = "slack:U0ALICE001", "slack:U0BOB00001"
# A Sunday, 09:00 in Berlin.
NINE = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

CONFIGURED: Mapping[str, Any] = {
    "timezone": "Europe/Berlin",
    "checks": {"disk": {"kind": "disk", "path": "/", "warn": 99, "crit": 100}},
    "checklists": {
        "daily": {
            "title": "Daily maintenance",
            "schedule": "0 9 * * *",
            "due": "4h",
            "items": [
                {"text": "Monitor application logs for errors", "who": "U0CAROL001"},
                {"text": "Check system resource usage", "check": "disk"},
                {"text": "Review failed payment transactions", "who": "@ops"},
            ],
        },
        "release": {"title": "Release", "items": ["Gather requirements", "Review code"]},
        "short": {
            "title": "Short list",
            "due": "4s",
            "items": [{"text": "Look at once", "who": "U0CAROL001"}],
        },
        "long": {
            "title": "Long list",
            "due": "2h",
            "items": [f"Look at part {n}" for n in range(1, 61)],
        },
    },
}


class Clock:
    """The time, moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        self.now += span


@dataclass(frozen=True)
class Bench:
    """The checklists and what stands around them."""

    settings: Settings
    database: Database
    slack: LocalSlack
    checklists: Checklists
    jobs: Jobs
    lookup: Lookup
    posts: Posts
    clock: Clock

    async def post(self, name: str = "daily", due_at: datetime | None = None) -> Run:
        """Posts a checklist."""
        async with self.database.transaction() as tx:
            run = await self.checklists.post(tx, name, due_at)
        assert run is not None
        return run

    async def tick(self, run: Run, position: int, *, done: bool = True, actor: str = ALICE) -> None:
        """Ticks or unticks an item, as a request of its own."""
        async with self.database.transaction() as tx:
            await self.checklists.tick(tx, run.id, position, done=done, actor=actor)

    async def run(self, run: Run) -> Run:
        """The run as it stands now."""
        async with self.database.transaction() as tx:
            return await store.reload(tx, run.id)

    async def item(self, run: Run, position: int) -> Item:
        """An item as it stands now."""
        item = (await self.run(run)).item(position)
        assert item is not None
        return item

    async def said(self, key: str) -> Message | None:
        """What the post of that key is to say; None where there is none."""
        row = await self.database.first("select message from posts where key = %s", (key,))
        return Message.from_json(row["message"]) if row else None

    async def posts_like(self, pattern: str) -> list[str]:
        """The keys of the posts that match."""
        rows = await self.database.all(
            "select key from posts where key like %s order by key", (pattern,)
        )
        return [row["key"] for row in rows]

    async def events(self, action: str) -> list[DictRow]:
        """The log's entries of that action."""
        return await self.database.all(
            "select * from events where action = %s order by id", (action,)
        )


@pytest.fixture
def configured() -> Mapping[str, Any]:
    """The configuration; a module may have its own."""
    return CONFIGURED


@pytest.fixture
async def bench(
    database: Database, queue: Queue, configured: Mapping[str, Any]
) -> AsyncIterator[Bench]:
    """The checklists, with nobody working off the queue unless a test asks for `working`."""
    settings, clock = Settings.model_validate(configured), Clock(NINE)
    async with (
        LocalSlack(rate_limits=False) as slack,
        open_session() as session,
        Targets(settings) as targets,
    ):
        client = web_client(session, slack.bot_token, slack.api_url)
        posts = Posts(database, queue, client)
        reconciler = Reconciler(database, queue, client)
        reconciler.register()
        publisher = Publisher(settings, posts, {"@ops": "S0OPS00001"}.get)
        jobs = Jobs(database, queue, Checks(settings, targets), publisher, clock)
        checklists = Checklists(
            settings, publisher, jobs, redact=lambda text: text.replace("hunter2", "***"), now=clock
        )
        lookup = Lookup(settings, database, clock)
        yield Bench(settings, database, slack, checklists, jobs, lookup, posts, clock)
        reconciler.stop()
