"""`opsbell database`: a program beside Opsbell's own database, for restoring it by hand.

The embedded PostgreSQL runs only while an Opsbell does, so RESTORE.md of a backup of Opsbell itself
calls PostgreSQL's tools through this command.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import typer

from bot.audit.head import FILE as HEAD
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.config.own import own_url
from bot.config.settings import Settings
from bot.core import make_data_directory, opened
from bot.errors import NotFound, Refused, UsageError
from bot.log import first_redact, set_up_logging
from bot.operations import store
from bot.operations.states import OperationState
from bot.os_user import me
from bot.store.embedded import embedded_postgres
from bot.store.events import Event
from bot.store.used import is_worked
from bot.targets.environment import for_children, from_database_url
from bot.targets.postgres_tools import find_tools
from bot.words import count


async def database(config: Path, argv: Sequence[str], *, restored: str) -> int:
    """Runs a program with its sign-in to Opsbell's database, or says that the database was
    `restored` from the backup of that ID; the exit status.

    Raises ConfigurationError, UsageError, and Refused while an Opsbell works on the database.
    """
    if bool(argv) == bool(restored):
        raise UsageError(
            "Say which program to run, or --restored and a backup's ID.",
            hint="For example: opsbell database -- psql",
        )
    settings = load(config, os.environ)
    if restored:
        return await _declare_restored(settings, restored)
    async with _unused(settings) as url:
        own = for_children(os.environ)
        tools = await find_tools(url, own)
        path = f"{tools.directory}{os.pathsep}{own.get('PATH', os.defpath)}"
        environment = own | from_database_url(url) | {"PATH": path}
        try:
            process = await asyncio.create_subprocess_exec(*argv, env=environment)
        except FileNotFoundError:
            raise NotFound(f"The program {argv[0]} is not installed.") from None
        return await process.wait()


@contextlib.asynccontextmanager
async def _unused(settings: Settings) -> AsyncIterator[str]:
    """The URL of the database, which nobody else works on; an embedded one runs in the block."""
    async with contextlib.AsyncExitStack() as stack:
        url = own_url(settings).reveal()
        if settings.database is None:
            make_data_directory(settings.data)
            url = await stack.enter_async_context(embedded_postgres(settings.data))
        if await is_worked(url):
            raise Refused(
                "An Opsbell is running on this database.", hint="Stop it first: every one of them."
            )
        yield url


async def _declare_restored(settings: Settings, set_id: str) -> int:
    """Ends in the restored database what was under way when it was backed up, and begins the
    file of the log's end anew: what came after the backup is known to be gone."""
    async with _unused(settings):
        pass
    secrets = SlackSecrets.for_terminal(os.environ)
    set_up_logging(first_redact(settings, secrets), logging.ERROR)
    async with opened(settings, secrets) as core, core.database.transaction() as tx:
        ended = [one.id for one in await core.operations.unfinished(tx)]
        why = f"Opsbell's database was restored from its backup {set_id}."
        for number in ended:
            await store.finish(tx, number, OperationState.INTERRUPTED, error=why)
        detail = {"set": set_id, "interrupted": ended}
        tx.record(Event(f"os:{me()}", "opsbell.restored", detail=detail))
    head = settings.data / HEAD
    if head.exists():
        head.replace(head.with_name(f"{HEAD}.before_{set_id}"))
    typer.echo(f"Restored; {count(len(ended), 'operation')} that had not ended will not go on.")
    return 0
