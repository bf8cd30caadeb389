"""Opsbell as people meet it: in Slack, and at the terminal. Puts the surfaces onto the core."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Never

import psycopg

from bot.audit import view as audit_view
from bot.audit.head import FILE as HEAD_FILE
from bot.audit.head import HeadKeeper
from bot.audit.service import Audit
from bot.audit.told import DETAILS
from bot.checklists.controls import Controls
from bot.config.environment import SlackSecrets
from bot.config.secret import Secret
from bot.config.settings import Settings
from bot.core import Core, running, unopened, working
from bot.errors import OpsbellError
from bot.maintenance.controls import Controls as MaintenanceControls
from bot.metrics import Metrics
from bot.operations import in_hand_store
from bot.slack.answers import Answers
from bot.slack.channel_names import ChannelNames
from bot.slack.deeds import Deeds
from bot.slack.dispatch import Dispatch
from bot.slack.gateway import Gateway, GatewayStatus
from bot.slack.message import Message
from bot.slack.modals import SlackModals
from bot.slack.surface import Answer, Command, Request, Surface
from bot.slack.tasks import Tasks
from bot.status import Status, from_outside
from bot.store.events import Event
from bot.store.inbox import Inbox
from bot.store.inbox_line import JOB as REQUEST_JOB
from bot.store.queue import Lane, Queue
from bot.web import connection_at, web_server
from commands.backup import BackupCommand
from commands.checklist import ChecklistCommand
from commands.deploy import DeployCommand
from commands.maintenance import MaintenanceCommand
from commands.opsbell import OpsbellCommand, Sources
from commands.restore import RestoreCommand
from commands.runbook import RunbookCommand
from schedules.backups import scheduled_backups
from schedules.checklists import scheduled_checklists
from schedules.clock import Clock
from schedules.drills import scheduled_drills
from schedules.housekeeping import housekeeping

logger = logging.getLogger(__name__)

ANSWER_LIMIT = timedelta(seconds=5)
STAND_IN_POLL = timedelta(seconds=2)
TOLD_AFTER = timedelta(seconds=2)


async def at_terminal(core: Core, request: Request) -> Answer | None:
    """Does what a command asks as the operating system's user, with Slack's own rules of audit.

    Who may use this machine's configuration and database may do everything: `access` is asked
    of Slack's people. Raises UsageError and what the command raises.
    """
    call = terminal_surface(core).call(request)
    if call.query:
        return await call.query(request, SlackModals(core.client))
    async with core.database.transaction() as tx:
        text = core.redactor.redact(f"{request.name} {request.text}".strip())
        tx.record(Event(request.actor, "command.taken", detail={"text": text}))
        return await call.change(request, tx) if call.change else None


@contextlib.asynccontextmanager
async def worked(core: Core, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Sees to it, inside the block, that operations are run: here, while no Opsbell runs.

    Other people's that run here by then are waited for at its end, and `tell` says so.
    """

    async def stand_in() -> None:
        while True:
            if not await core.queue.is_worked():
                await core.queue.run({Lane.WORK: 4})
            await asyncio.sleep(STAND_IN_POLL.total_seconds())

    async with running(stand_in()):
        yield
        await _idle(core.queue, tell)
        core.queue.take_no_more()


async def _idle(queue: Queue, tell: Callable[[str], None]) -> None:
    """Returns once no job runs in this process."""
    begun, is_told = time.monotonic(), False
    while not queue.is_idle:
        if not is_told and time.monotonic() - begun > TOLD_AFTER.total_seconds():
            tell("What else runs in this process is waited for. Ctrl-C interrupts it.")
            is_told = True
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def in_slack(core: Core, secrets: SlackSecrets) -> AsyncIterator[Gateway]:
    """Opsbell in Slack inside the block: listening, ticking, working off the queue, serving HTTP.

    Raises Unavailable where the HTTP address is taken.
    """
    tasks, clock, head = Tasks(), _clock(core), head_keeper(core)
    gateway = _gateway(core, secrets, tasks, clock)
    async with head.at_the_end():
        async with contextlib.AsyncExitStack() as stack:
            port = await stack.enter_async_context(
                web_server(
                    core.settings.http.listen,
                    ready=lambda: _readiness(core, gateway),
                    connection=lambda: _connection(gateway.status()),
                    metrics=Metrics(gateway.status, core.queue.backlog).render,
                    slack_events=gateway.http_handler
                    if core.settings.slack.mode == "http"
                    else None,
                )
            )
            logger.info("http server started", extra={"port": port})
            await core.operations.recover()
            await core.restores.keeping.recover()
            await core.reconciler.recover()
            await stack.enter_async_context(working(core))
            for part in (clock.run, gateway.run, head.run, core.operations.keep_recovering):
                await stack.enter_async_context(running(part()))
            yield gateway
        # Jobs that ended last may still be answering.
        await tasks.drain(ANSWER_LIMIT)


def head_keeper(core: Core) -> HeadKeeper:
    """Keeps how far the log of events has come, beside its key."""
    return HeadKeeper(core.database, core.settings.data / HEAD_FILE)


def _gateway(core: Core, secrets: SlackSecrets, tasks: Tasks, clock: Clock) -> Gateway:
    """The edge to Slack with everything that people can ask for behind it."""
    settings, database = core.settings, core.database
    inbox = Inbox(database)
    answers = Answers(core.client, core.session, database, core.posts)
    surface, opsbell = slack_surface(
        core,
        _sources(core, clock, lambda: _status(core, clock, gateway.status())),
    )
    deeds = Deeds(
        settings,
        surface,
        database=database,
        inbox=inbox,
        people=core.people,
        answers=answers,
        modals=SlackModals(core.client),
        home=opsbell.home,
        redact=core.redactor.redact,
        tasks=tasks,
    )
    core.queue.handle(REQUEST_JOB, deeds.work, lane=Lane.REQUESTS)
    dispatch = Dispatch(
        settings,
        surface,
        inbox=inbox,
        deeds=deeds,
        answers=answers,
        channels=ChannelNames(core.client),
        redact=core.redactor.redact,
        tasks=tasks,
    )
    gateway = Gateway(
        core.client,
        core.session,
        dispatch,
        inbox,
        core.people,
        tasks,
        app_token=_reveal(secrets.app_token) if settings.slack.mode == "socket" else "",
        signing_secret=_reveal(secrets.signing_secret) if settings.slack.mode == "http" else "",
    )
    return gateway


def surface_of(core: Core) -> Surface:
    """What people can type, click and fill in, at the terminal and in Slack alike."""
    surface = Surface()
    backup = BackupCommand(core.settings, core.backups, core.asking)
    runbook = RunbookCommand(core.settings, core.runbooks, core.asking)
    restore = RestoreCommand(core.settings, core.restores, core.asking)
    deploy = DeployCommand(core.settings, core.deploys, core.asking, core.operations)
    # Help lists the commands in this order.
    surface.add(
        backup.command(),
        restore.command(),
        MaintenanceCommand(core.settings, core.maintenance, core.asking).command(),
        deploy.command(),
        ChecklistCommand(core.checklists, core.checklist_lookup, core.posts).command(),
        runbook.command(),
    )
    surface.add(
        *deploy.controls(),
        restore.form(),
        *restore.controls(),
        *backup.controls(),
        *MaintenanceControls(core.maintenance).controls(),
        *runbook.forms(),
        *core.asking.controls(),
    )
    Controls(core.checklists, core.checklist_lookup).register(surface)
    return surface


def slack_surface(core: Core, sources: Sources) -> tuple[Surface, OpsbellCommand]:
    """The same with Opsbell's own command, and that command."""
    surface = surface_of(core)
    opsbell = OpsbellCommand(core.settings, surface, core.people, sources)
    surface.add(opsbell.command())
    return surface, opsbell


def terminal_surface(core: Core) -> Surface:
    """The same, as seen from a process that listens to nobody."""
    clock = _clock(core)
    surface, _ = slack_surface(core, _sources(core, clock, lambda: _status_here(core, clock)))
    return surface


async def slack_commands(settings: Settings) -> tuple[Command, ...]:
    """The slash commands that Opsbell has with these settings. Nothing is connected to."""

    def nothing_runs() -> Never:
        raise RuntimeError("only what is registered can be asked for")

    sources = Sources(*[nothing_runs] * 3)
    async with unopened(settings) as core:
        surface, _ = slack_surface(core, sources)
    return tuple(surface.commands.values())


def _clock(core: Core) -> Clock:
    scheduled = [
        *scheduled_checklists(core.settings, core.checklists),
        *scheduled_backups(core.settings, core.backups, core.posts),
        *scheduled_drills(core.settings, core.drills),
        housekeeping(core.queue),
    ]
    return Clock(core.database, core.settings.timezone, scheduled)


async def _readiness(core: Core, gateway: Gateway) -> dict[str, bool]:
    try:
        worked = await core.queue.is_worked()
    except (OpsbellError, psycopg.Error):
        return {"slack": gateway.status().ready, "database": False, "queue": False}
    return {"slack": gateway.status().ready, "database": True, "queue": worked}


async def _audit(core: Core) -> Message:
    audit = Audit(core.database, core.settings.data)
    events = await audit.events(limit=audit_view.LAST, leaving_out=DETAILS)
    return audit_view.message(events, core.redactor.redact)


def _sources(core: Core, clock: Clock, status: Callable[[], Awaitable[Status]]) -> Sources:
    return Sources(status, partial(_upcoming, clock), partial(_audit, core))


async def _status(
    core: Core, clock: Clock, gateway: GatewayStatus | None, *, running: bool = True
) -> Status:
    async with core.database.transaction() as tx:
        operations = await in_hand_store.counts(tx)
    return Status(
        running=running,
        gateway=gateway,
        operations=operations,
        messages=await core.posts.waiting(),
        troubles=list((await core.posts.troubles()).values()),
        upcoming=_upcoming(clock),
    )


async def _status_here(core: Core, clock: Clock) -> Status:
    """The status as a process sees it that is not the one that runs."""
    running = await core.queue.is_worked()
    said = await connection_at(core.session, core.settings.http.listen) if running else None
    return await _status(core, clock, from_outside(said), running=running)


def _upcoming(clock: Clock) -> list[tuple[str, datetime]]:
    return [(each.name, each.at) for each in clock.upcoming()]


def _connection(status: GatewayStatus) -> dict[str, object]:
    """What anyone may know of the connection: not what is wrong with a token."""
    return {name: value for name, value in asdict(status).items() if name != "trouble"}


def _reveal(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""
