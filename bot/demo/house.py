"""Opsbell itself in the demo: its database before its first start, and its process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import psycopg

from bot.config.load import load
from bot.demo.children import Child, kept
from bot.demo.place import Place
from bot.playground import LocalSlack
from bot.store import ticks
from bot.store.database import Database
from bot.store.embedded import embedded_postgres
from bot.store.events import EventLog, load_key
from bot.store.migrate import migrate
from bot.targets.environment import for_children
from bot.targets.waiting import to_the_end
from bot.words import utc_now
from schedules.checklists import tick_name

DAILY = "daily"


@contextlib.asynccontextmanager
async def opsbell(
    place: Place, slack: LocalSlack, tell: Callable[[str], None], *, afresh: bool
) -> AsyncIterator[Child]:
    """`opsbell run` inside the block, started again should it die.

    With `afresh` its database begins anew: what it remembers and what the workspace holds belong
    together.
    """
    place.opsbell.mkdir(mode=0o700, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        # Held here too, so that Opsbell's start finds a server that runs.
        url = await to_the_end(stack.enter_async_context(embedded_postgres(place.opsbell)))
        await _prepare(place, url, afresh=afresh)
        child = Child(
            "Opsbell",
            ("-m", "bot", "run", "--config", str(place.config)),
            cwd=place.directory,
            environment=for_children(os.environ)
            | {
                "SLACK_API_URL": slack.api_url,
                "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_APP_TOKEN": slack.app_token,
            },
            log=place.log("opsbell"),
            tell=tell,
        )
        await stack.enter_async_context(kept(child))
        yield child


async def _prepare(place: Place, url: str, *, afresh: bool) -> None:
    """Makes today's checklist a due time that was missed, so that the clock makes it up.

    A clock that sees a checklist for the first time posts nothing that was due before; here it is
    told to have seen it yesterday. From then on the clock does as everywhere: once per due time.
    """
    settings = load(place.config, os.environ)
    if afresh:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("drop schema public cascade")
            await connection.execute("create schema public")
    log = EventLog(load_key(settings.data / "audit.key"))
    async with Database(url, log) as database:
        await migrate(database)
        name = tick_name(DAILY)
        if await ticks.last(database, name) is None:
            midnight = (
                utc_now()
                .astimezone(settings.timezone)
                .replace(hour=0, minute=0, second=0, microsecond=0)
            )
            async with database.transaction() as tx:
                await ticks.claim(tx, name, midnight - timedelta(minutes=1), "first seen")
