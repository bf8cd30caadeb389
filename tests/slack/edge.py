"""Opsbell's edge to Slack, whole and real, with a few commands and controls to exercise it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.cancelling import end
from bot.config.redact import Redactor
from bot.config.settings import Settings
from bot.errors import Refused, UsageError
from bot.operations import in_hand_store
from bot.playground import LocalSlack
from bot.playground.modals import View
from bot.playground.people import ActingPerson
from bot.slack.answers import Answers
from bot.slack.blocks import actions, button, checkboxes, modal, option, section, text_input
from bot.slack.blocks import field as input_field
from bot.slack.channel_names import ChannelNames
from bot.slack.client import open_session, web_client
from bot.slack.deeds import Deeds
from bot.slack.dispatch import Dispatch
from bot.slack.gateway import Gateway, GatewayStatus
from bot.slack.message import Message
from bot.slack.modals import SlackModals
from bot.slack.people import People
from bot.slack.posts import Posts
from bot.slack.reconciler import Reconciler
from bot.slack.sockets import SILENCE
from bot.slack.surface import (
    Answer,
    Call,
    Command,
    Control,
    Form,
    Modals,
    Request,
    Surface,
    Usage,
)
from bot.slack.tasks import Tasks
from bot.status import Status
from bot.store.database import Database, Transaction
from bot.store.inbox import TIME_LIMIT, Inbox
from bot.store.queue import Lane, Queue
from commands.opsbell import OpsbellCommand, Sources

REDACTOR = Redactor(["hunter22"])
DEEDS = "create table if not exists deeds (key text not null, text text not null)"
SETTINGS: Mapping[str, Any] = {
    "roles": {"operator": ["@ops"], "admin": ["@admins", "U0ALICE001"]},
    "access": {"backup": {"role": "operator"}, "restore": {"role": "admin"}},
}


async def do(request: Request, tx: Transaction) -> Answer | None:
    """A change whose effects can be counted."""
    if request.text.startswith("refuse"):
        raise Refused("Not done: it is Sunday.", hint="Try on Monday.")
    await tx.execute(
        "insert into deeds (key, text) values (%s, %s)",
        (request.key, request.text or request.value or ",".join(request.chosen)),
    )
    if request.text.startswith("break"):
        raise ZeroDivisionError("deep inside")
    return Answer(Message(f"Done: {request.text}."), public=request.text.startswith("public"))


async def look(request: Request, modals: Modals) -> Answer | None:
    """A query that answers, or breaks on demand."""
    if request.text.startswith("list break"):
        raise ZeroDivisionError("deep inside")
    return Answer(Message(f"Seen: {request.text or request.name}."))


def parse_backup(request: Request) -> Call:
    """`now …`, `list …`, and the words that make `do` misbehave."""
    word = request.text.split(" ")[0]
    if word in ("now", "refuse", "break", "public"):
        return Call("backup", change=do)
    if word == "list":
        return Call("backup", query=look)
    raise UsageError(f"/backup does not know {word or 'nothing'}.")


USAGES = (
    Usage("/backup now [PARTS]", "Take a backup", "/backup now database"),
    Usage("/backup list", "Show the backups"),
)
BACKUP = Command("backup", "Take and show backups", USAGES, parse_backup, ("now", "list"))
RESTORE = Command(
    "restore",
    "Bring a backup back",
    (Usage("/restore ID", "Restore a backup"),),
    lambda request: Call("restore", change=do),
)


@dataclass
class Edge:
    """The running parts that tests look at."""

    gateway: Gateway
    surface: Surface
    people: People
    database: Database
    client: AsyncWebClient
    tasks: Tasks
    inbox: Inbox

    async def deeds(self) -> list[str]:
        """What was done, in order."""
        return [row["text"] for row in await self.database.all("select text from deeds")]

    async def until_deeds(self, count: int, limit: float = 10) -> list[str]:
        """What was done, once it is at least this many."""
        async with asyncio.timeout(limit):
            while len(done := await self.deeds()) < count:
                await asyncio.sleep(0.02)
            return done

    async def events(self, action: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return await self.database.all("select * from events where action = %s", (action,))

    async def until_ready(self) -> None:
        """Returns when Opsbell can hear Slack."""
        async with asyncio.timeout(10):
            while not self.gateway.status().ready:
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Returns when every job of the requests' lane has been worked off."""
        async with asyncio.timeout(10):
            while (
                await self.database.one(
                    "select count(*) as jobs from procrastinate_jobs"
                    " where status in ('todo', 'doing') and queue_name = %s",
                    (Lane.REQUESTS.value,),
                )
            )["jobs"]:
                await asyncio.sleep(0.02)


async def named_looked_up(slack: LocalSlack) -> None:
    """Returns when Slack has been asked for the one person whom the configuration names: from then
    on, who is asked for is a person who does something."""
    async with asyncio.timeout(20):
        while not slack.calls_to("users.info"):
            await asyncio.sleep(0.01)


def note_form() -> dict[str, Any]:
    """A modal whose input is called `note`."""
    block = input_field("Note", text_input("text"), block_id="note")
    return modal("note:7", "A note", [block], submit="Save", metadata="C0OPS00001")


async def note_of(person: ActingPerson) -> View:
    """The modal `note` in front of them, not the one that waits for it where it comes late."""
    return await person.wait_for_view(30, where=lambda view: view.callback_id == "note:7")


def panel() -> Message:
    """A message with every control that the tests use."""
    box = option("Look at the logs", "1")
    return Message(
        "A panel",
        [
            section("Panel"),
            actions(button("Go", "go:1", "went", style="primary"), button("Ask", "ask")),
            actions(checkboxes("tick:1", [box]), block_id="box"),
            actions(
                button("Note", "note.open"), button("Old", "forgotten"), button("Rules", "rules")
            ),
        ],
    )


async def _open_note(request: Request, modals: Modals) -> None:
    await modals.open(request, note_form())


async def _save_note(request: Request, tx: Transaction) -> Answer:
    await tx.execute(
        "insert into deeds (key, text) values (%s, %s)", (request.key, request.fields["note"])
    )
    return Answer(Message("Noted."))


def _note_is_wrong(request: Request) -> dict[str, str]:
    return {} if len(request.fields["note"]) > 2 else {"note": "Three letters at least."}


def new_surface() -> Surface:
    """The commands, controls and the form of these tests."""
    surface = Surface()
    surface.add(
        BACKUP,
        RESTORE,
        Control("go", Call("backup", change=do)),
        Control("tick", Call("checklist", change=do)),
        Control("ask", Call("checklist", query=look)),
        Control("note.open", Call("checklist", query=_open_note, window="A note")),
        Control("rules", Call("restore", query=_open_note, window="Rules")),
        Form("note", Call("checklist", change=_save_note), _note_is_wrong),
    )
    return surface


@dataclass(frozen=True)
class Door:
    """The local Slack of another process."""

    api_url: str
    bot_token: str
    app_token: str
    signing_secret: str


def _sources(gateway: Callable[[], GatewayStatus], database: Database, posts: Posts) -> Sources:
    """What `/opsbell` shows of itself."""

    def upcoming() -> list[tuple[str, datetime]]:
        return [("Daily maintenance", datetime.now(UTC) + timedelta(hours=3))]

    async def status() -> Status:
        async with database.transaction() as tx:
            operations = await in_hand_store.counts(tx)
        troubles = list((await posts.troubles()).values())
        return Status(True, gateway(), operations, await posts.waiting(), troubles, upcoming())

    async def last_events() -> Message:
        return Message("Nothing has happened yet.")

    return Sources(status, upcoming, last_events)


@contextlib.asynccontextmanager
async def edge(
    slack: LocalSlack | Door,
    database: Database,
    queue: Queue,
    *,
    settings: Mapping[str, Any] = SETTINGS,
    http: bool = False,
    silence: timedelta = SILENCE,
    limit: timedelta = TIME_LIMIT,
    inbox_url: str = "",
    work: bool = True,
) -> AsyncIterator[Edge]:
    """The gateway running against the local Slack, and (with `work`) the queue's workers.

    `inbox_url` is another way to the database, for requests alone.
    """
    await database.execute(DEEDS)
    configured = Settings.model_validate(settings)
    surface = new_surface()
    tasks = Tasks()
    async with open_session() as session:
        client = web_client(session, slack.bot_token, slack.api_url)
        posts = Posts(database, queue, client)
        Reconciler(database, queue, client).register()
        answers = Answers(client, session, database, posts)
        people = People(client, configured.roles)
        reached = Database(inbox_url, database.log) if inbox_url else database
        inbox = Inbox(reached, limit=limit)
        gateways: list[Gateway] = []

        own = OpsbellCommand(
            configured, surface, people, _sources(lambda: gateways[0].status(), database, posts)
        )
        surface.add(own.command())
        deeds = Deeds(
            configured,
            surface,
            database=database,
            inbox=inbox,
            people=people,
            answers=answers,
            modals=SlackModals(client),
            home=own.home,
            redact=REDACTOR.redact,
            tasks=tasks,
        )
        queue.handle("request", deeds.work, lane=Lane.REQUESTS)
        dispatch = Dispatch(
            configured,
            surface,
            inbox=inbox,
            deeds=deeds,
            answers=answers,
            channels=ChannelNames(client),
            redact=REDACTOR.redact,
            tasks=tasks,
        )
        gateway = Gateway(
            *(client, session, dispatch, inbox, people, tasks),
            app_token="" if http else slack.app_token,
            signing_secret=slack.signing_secret if http else "",
            silence=silence,
        )
        gateways.append(gateway)
        running = [asyncio.create_task(gateway.run())]
        if work:
            running.append(asyncio.create_task(queue.run()))
        try:
            yield Edge(gateway, surface, people, database, client, tasks, inbox)
        finally:
            await end(running)
