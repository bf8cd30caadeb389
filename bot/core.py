"""The parts that every way of using Opsbell stands on, built and opened in one place."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from bot.backups.disk import make_directory
from bot.backups.service import Backups
from bot.cancelling import end
from bot.checklists.jobs import Jobs
from bot.checklists.lookup import Lookup
from bot.checklists.publish import Publisher
from bot.checklists.service import Checklists
from bot.checks.service import Checks
from bot.config.environment import SlackSecrets
from bot.config.settings import Settings
from bot.deploys.service import Deploys
from bot.drills.service import Drills
from bot.drills.store import DrillResults
from bot.maintenance.service import Maintenance
from bot.operations.approvers import Approvers
from bot.operations.asking import Asking
from bot.operations.engine import Engine
from bot.operations.service import Operations
from bot.operations.telling import Telling
from bot.others import OtherSteps
from bot.restores.drilling import load_for_drill
from bot.restores.service import Restores
from bot.runbooks.service import Runbooks
from bot.slack.client import SlackClient, open_session, web_client
from bot.slack.names import Names
from bot.slack.people import People
from bot.slack.posts import Posts
from bot.slack.reconciler import Reconciler
from bot.slack.topics import Topics
from bot.store.database import Database
from bot.store.embedded import embedded_postgres
from bot.store.events import EventLog, identity, load_key
from bot.store.migrate import migrate
from bot.store.queue import WORKERS, Lane, Queue
from bot.store.reach import reach
from bot.targets.redaction import LiveRedactor
from bot.targets.targets import Targets
from bot.words import tell_times_in, utc_now

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Core:
    """What every way of using Opsbell stands on, terminal and Slack alike."""

    settings: Settings
    redactor: LiveRedactor
    database: Database
    queue: Queue
    session: aiohttp.ClientSession
    client: SlackClient
    targets: Targets
    posts: Posts
    reconciler: Reconciler
    people: People
    checks: Checks
    operations: Operations
    asking: Asking
    backups: Backups
    drills: Drills
    maintenance: Maintenance
    restores: Restores
    runbooks: Runbooks
    deploys: Deploys
    checklists: Checklists
    checklist_lookup: Lookup


def make_data_directory(path: Path) -> None:
    """Makes the data directory where there is none, with those above it that are missing; what is
    there keeps its mode."""
    if not path.exists():
        make_directory(path)


@contextlib.asynccontextmanager
async def opened(settings: Settings, secrets: SlackSecrets) -> AsyncIterator[Core]:
    """Everything built and the database migrated, with nothing running yet. From here on, times
    are told in the configured zone.

    Raises Unavailable where PostgreSQL cannot be reached, DatabaseTooNew where it is newer.
    """
    tell_times_in(settings.timezone)
    make_data_directory(settings.data)
    async with contextlib.AsyncExitStack() as stack:
        url = await _database_url(settings, stack)
        await reach(url)
        key = load_key(settings.data / "audit.key")
        database = await stack.enter_async_context(Database(url, EventLog(key)))
        await migrate(database)
        queue = Queue(database)
        await queue.open()
        session = await stack.enter_async_context(open_session())
        client = web_client(session, secrets.bot_token.reveal(), secrets.api_url)
        targets = await stack.enter_async_context(Targets(settings, owner=identity(key)))
        redactor = targets.redactor(secret.reveal() for secret in secrets.all())
        core = _core(settings, redactor, database, queue, session, client, targets)
        stack.push_async_callback(core.checks.close)
        yield core


@contextlib.asynccontextmanager
async def unopened(settings: Settings) -> AsyncIterator[Core]:
    """The parts with nothing behind them, for those who ask what is registered on them."""
    database, targets = Database("", EventLog(b"")), Targets(settings)
    async with open_session() as session:
        client = web_client(session, "")
        yield _core(
            settings, targets.redactor(), database, Queue(database), session, client, targets
        )


async def _other_holders(people: People, role: str, actor: str) -> Sequence[str]:
    """The Slack user IDs of those beside an actor who hold a role, as far as Slack says."""
    asker = actor.removeprefix("slack:")
    roles = await people.roles_for(asker)
    return sorted(roles.holders.get(role, frozenset()) - {asker})


async def _database_url(settings: Settings, stack: contextlib.AsyncExitStack) -> str:
    if settings.database is None:
        return await stack.enter_async_context(embedded_postgres(settings.data))
    return settings.database.reveal()


def _core(
    settings: Settings,
    redactor: LiveRedactor,
    database: Database,
    queue: Queue,
    session: aiohttp.ClientSession,
    client: SlackClient,
    targets: Targets,
) -> Core:
    posts = Posts(database, queue, client)
    reconciler = Reconciler(database, queue, client)
    reconciler.register()
    concerned = {item.who for each in settings.checklists.values() for item in each.items}
    people = People(client, settings.roles, mentioned=filter(None, concerned))
    operations = _operations(settings, redactor, database, queue, posts, people)
    asking = Asking(database, operations)
    drilled = DrillResults(database)
    backups = Backups(settings, targets, operations, verdicts=drilled.verdicts)
    drills = Drills(
        settings, targets, operations, backups, drilled, posts, queue, load=load_for_drill
    )
    topics, names = Topics(client), Names(client)
    maintenance = Maintenance(
        *(settings, targets, database, queue, operations, posts, topics), redact=redactor.redact
    )
    restores = Restores(
        *(settings, targets, operations, backups, maintenance, database, queue), names=names.of
    )
    others, holders = OtherSteps(settings, backups, operations), partial(_other_holders, people)
    runbooks = Runbooks(*(settings, targets, database, posts, operations, others), holders=holders)
    deploys = Deploys(
        *(settings, targets, database, operations, backups, posts), runbook_steps=runbooks.steps
    )
    checks = Checks(
        settings, targets, newest_backup=backups.newest, in_maintenance=maintenance.is_on_now
    )
    checklists = _checklists(settings, redactor, database, queue, posts, people, checks)
    lookup = Lookup(settings, database, utc_now)
    return Core(
        settings,
        redactor,
        database,
        queue,
        session,
        client,
        targets,
        posts,
        reconciler,
        people,
        checks,
        operations,
        asking,
        backups,
        drills,
        maintenance,
        restores,
        runbooks,
        deploys,
        checklists,
        lookup,
    )


def _operations(
    settings: Settings,
    redactor: LiveRedactor,
    database: Database,
    queue: Queue,
    posts: Posts,
    people: People,
) -> Operations:
    engine = Engine(
        database,
        Telling(posts, settings.slack.channel("ops")),
        redact=lambda target, text: redactor.redact(text, whose=target),
    )
    return Operations(database, queue, engine, Approvers(settings.rule, people))


def _checklists(
    settings: Settings,
    redactor: LiveRedactor,
    database: Database,
    queue: Queue,
    posts: Posts,
    people: People,
    checks: Checks,
) -> Checklists:
    publisher = Publisher(settings, posts, people.group_id)
    jobs = Jobs(database, queue, checks, publisher, utc_now)
    return Checklists(settings, publisher, jobs, redact=redactor.redact, now=utc_now)


@contextlib.asynccontextmanager
async def working(core: Core, lanes: Mapping[Lane, int] = WORKERS) -> AsyncIterator[None]:
    """Works off the queue inside the block; the terminal needs the lane of operations only."""
    async with running(core.queue.run(lanes)):
        try:
            yield
        finally:
            core.reconciler.stop()


@contextlib.asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs a part beside the block. A part that fails ends the block: Opsbell does not go on
    without it."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            await end([task])
