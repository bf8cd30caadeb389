"""The demo: a local Slack in the browser, Opsbell, and a sample application that it looks after.

One process holds the Slack and its page; the sample's web process and `opsbell run` are its
children. Everything lies in one directory, so that a second start goes on where the first ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bot.app import slack_commands
from bot.config.settings import Settings
from bot.demo import words
from bot.demo.configuration import write_configuration
from bot.demo.house import begin_anew, opsbell, server
from bot.demo.levers import levers
from bot.demo.place import Place, held
from bot.demo.sample import GrandVps, grandvps
from bot.errors import Failed, Refused
from bot.playground import LocalSlack, Workspace
from bot.playground.memory import Memory
from bot.playground.page import Lever, listen, open_page
from bot.playground.slash_commands import SlashCommand
from bot.slack.manifest import manifest

REMEMBERED = 200
"""Calls and deliveries that the local Slack keeps for whoever looks into it."""

CONNECT_LIMIT = 60.0
"""Seconds that Opsbell has to connect to the local Slack."""

Tell = Callable[[str], None]


async def demo(directory: Path, port: int, tell: Tell) -> None:
    """Runs until SIGINT, SIGTERM or SIGHUP; `tell` is given each line for the terminal.

    Raises Refused where the port is taken or another demo runs in the directory, Failed where
    Opsbell does not connect.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Asked more than once, it stops once: it is on its way already.
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    work = asyncio.create_task(_run(directory, port, tell), name="demo")
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not work.done():
        tell("Stopping, this takes a few seconds.")
        work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def _run(directory: Path, port: int, tell: Tell) -> None:
    async with running_demo(directory, port, tell) as running:
        for line in words.ready(running.url, running.place, running.sample):
            tell(line)
        await asyncio.Event().wait()


@dataclass(frozen=True)
class RunningDemo:
    """What runs; `url` is the page's."""

    place: Place
    sample: GrandVps
    slack: LocalSlack
    levers: tuple[Lever, ...]
    url: str


@contextlib.asynccontextmanager
async def running_demo(directory: Path, port: int, tell: Tell) -> AsyncIterator[RunningDemo]:
    """Everything, with Opsbell connected, until the block ends. Raises what `demo` raises."""
    async with contextlib.AsyncExitStack() as stack:
        listening = stack.enter_context(_listen(port))
        place = stack.enter_context(held(directory))
        tell(f"Starting in {place.directory}")
        wish = listening.getsockname()[1] + 1
        sample = await stack.enter_async_context(grandvps(place, tell, wish=wish))
        write_configuration(place, sample.database_url, sample.port)
        slack = await stack.enter_async_context(await _local_slack())
        database_url = await stack.enter_async_context(server(place))
        await _remember(slack, place, database_url, stack)
        handles = await stack.enter_async_context(
            levers(sample.database_url, place.site, place.backups, sample.web, slack)
        )
        tell("Starting Opsbell")
        await stack.enter_async_context(opsbell(place, slack, tell))
        page = open_page(
            slack,
            port=listening,
            levers=handles,
            notes=words.NOTES,
            read_marks=place.workspace / "read.json",
        )
        url = await stack.enter_async_context(page)
        await _connected(slack, place)
        yield RunningDemo(place, sample, slack, handles, url)


async def _remember(
    slack: LocalSlack, place: Place, database_url: str, stack: contextlib.AsyncExitStack
) -> None:
    """Gives the workspace what it held before.

    What Opsbell has posted stands in its database, at this URL. A workspace that forgot it would
    leave the two at odds; so where the workspace is new, Opsbell begins anew first. A start that is
    cut off in between finds a new workspace again.
    """
    memory = Memory(slack, place.workspace)
    if memory.is_new:
        await begin_anew(database_url)
        await slack.person("carol").say(words.WELCOME, "general")
    try:
        stack.enter_context(memory)
    except OSError as error:
        raise Refused(
            f"What the workspace remembers in {place.workspace} cannot be used: {error.strerror}.",
            hint="Move that directory away, and the workspace begins anew.",
        ) from None


def _listen(port: int) -> socket.socket:
    """Takes the page's port, so that nobody else has it when everything runs."""
    try:
        return listen(port)
    except OSError as error:
        raise Refused(
            f"Port {port} cannot be used: {os.strerror(error.errno or 0)}.",
            hint="Choose another one, as in PLAYGROUND_PORT=8282 make demo.",
        ) from None


async def _local_slack() -> LocalSlack:
    """A workspace whose app is the one that Opsbell's manifest describes."""
    app = manifest(await slack_commands(Settings()))
    workspace = Workspace.sample()
    workspace.name = "GrandVPS"
    workspace.app.scopes = set(app["oauth_config"]["scopes"]["bot"])
    commands = [
        SlashCommand(each["command"], each.get("description", ""), each.get("usage_hint", ""))
        for each in app["features"]["slash_commands"]
    ]
    events = app["settings"]["event_subscriptions"]["bot_events"]
    return LocalSlack(workspace, commands=commands, events=events, remembered=REMEMBERED)


async def _connected(slack: LocalSlack, place: Place) -> None:
    try:
        await slack.wait_connected(timeout=CONNECT_LIMIT)
    except TimeoutError:
        raise Failed(
            f"Opsbell did not connect within {CONNECT_LIMIT:.0f} s.",
            hint=f"Its log says why: {place.log('opsbell')}",
        ) from None
