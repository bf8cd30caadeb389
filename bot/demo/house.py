"""Opsbell itself in the demo: its database before its start, and its process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable

import psycopg

from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import opened
from bot.demo.children import Child, kept
from bot.demo.place import Place
from bot.demo.todays_lists import post_todays_lists
from bot.playground import LocalSlack
from bot.store.embedded import embedded_postgres
from bot.targets.environment import for_children
from bot.targets.waiting import to_the_end
from bot.words import utc_now


@contextlib.asynccontextmanager
async def server(place: Place) -> AsyncIterator[str]:
    """The URL of Opsbell's own PostgreSQL, which runs inside the block.

    Held here too, so that Opsbell's start finds a server that runs.
    """
    place.opsbell.mkdir(mode=0o700, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        yield await to_the_end(stack.enter_async_context(embedded_postgres(place.opsbell)))


async def begin_anew(url: str) -> None:
    """Lets Opsbell forget everything: what it remembers and what the workspace holds belong
    together."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("drop schema public cascade")
        await connection.execute("create schema public")


@contextlib.asynccontextmanager
async def opsbell(
    place: Place, slack: LocalSlack, tell: Callable[[str], None]
) -> AsyncIterator[Child]:
    """`opsbell run` inside the block, with today's lists to post, started again should it die."""
    # A cancellation can get lost in a pool that is being opened; the demo would then run on.
    await to_the_end(_post_todays_lists(place))
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
    async with kept(child):
        yield child


async def _post_todays_lists(place: Place) -> None:
    settings = load(place.config, os.environ)
    async with opened(settings, SlackSecrets.for_terminal({})) as core:
        await post_todays_lists(core, utc_now())
