"""Doing what was asked: queries answered by tasks, changes done by the jobs of the inbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import psycopg

from bot.config.settings import Settings
from bot.errors import OpsbellError, Refused, Unavailable
from bot.slack import present
from bot.slack.answers import Answers
from bot.slack.block_rules import UnfitBlocks
from bot.slack.message import Message
from bot.slack.people import Decision, People, decide
from bot.slack.surface import Answer, Call, Kind, Modals, Request, Surface
from bot.slack.tasks import Tasks
from bot.slack.window import Window, window
from bot.store.database import Database, Transaction
from bot.store.events import Event
from bot.store.inbox import Inbox
from bot.store.inbox_line import Entry
from bot.store.queue import may_pass

logger = logging.getLogger(__name__)

Home = Callable[[str], Awaitable[Mapping[str, Any]]]

# Work gives way to people's acks until it is this old, so that it never falls further behind.
GIVES_WAY = timedelta(seconds=0.5)
# What was acked is not refused because Slack has a hiccup: this long, Slack is asked again.
PATIENCE = timedelta(minutes=2)


class DatabaseAway(Unavailable):
    """Opsbell's own database went away in the middle of a look."""

    def __init__(self) -> None:
        super().__init__("Opsbell's own database does not answer.", hint="Try again in a minute.")


class RolesUnknown(Unavailable):
    """Slack does not say at the moment who has a role."""

    def __init__(self) -> None:
        super().__init__("Slack does not say who has the role.", hint="Try again in a minute.")


def entry(request: Request) -> Entry:
    """How a request is kept in the inbox. Clicks on one message are done in order."""
    lock = None
    if request.view_id:
        lock = f"view:{request.view_id}"
    elif request.kind is Kind.CLICK:
        lock = f"message:{request.channel}:{request.message}"
    # A trigger is over before any job could use it.
    kept = request.as_json() | {"trigger_id": ""}
    arguments = {"request": kept, "taken_at": time.time()}
    return Entry(request.key, arguments, lock=lock, twin=request.twin)


class Deeds:
    """Decides, acts, records and answers. `home` builds someone's App Home."""

    def __init__(
        self,
        settings: Settings,
        surface: Surface,
        *,
        database: Database,
        inbox: Inbox,
        people: People,
        answers: Answers,
        modals: Modals,
        home: Home,
        redact: Callable[[str], str],
        tasks: Tasks,
    ) -> None:
        self._settings = settings
        self._prefix = settings.slack.command_prefix
        self._surface = surface
        self._database = database
        self._inbox = inbox
        self._people = people
        self._answers = answers
        self._modals = modals
        self._home = home
        self._redact = redact
        self._tasks = tasks

    async def look(self, request: Request, call: Call) -> None:
        """Answers a query. Never raises; whoever may not, or met an error, is told."""
        async with window(self._modals, request, call.window) as opened:
            try:
                answer = await self._look(request, call, opened)
                if answer is not None:
                    await self._show(opened, request, answer)
            except (OpsbellError, psycopg.OperationalError) as error:
                known = error if isinstance(error, OpsbellError) else DatabaseAway()
                await self._show(opened, request, Answer(present.error(known, self._prefix)))
            except Exception:
                reference = present.new_reference()
                logger.exception("query broke", extra={"request": request.key, "ref": reference})
                await self._show(opened, request, Answer(present.defect(reference)))

    async def _look(self, request: Request, call: Call, modals: Modals) -> Answer | None:
        decision = await self._decide(request, call)
        if decision.allowed:
            return await call.query(request, modals) if call.query else None
        async with self._database.transaction() as tx:
            tx.record(self._refusal(request, decision))
        return Answer(present.refusal(call.access, decision))

    async def _show(self, opened: Window, request: Request, answer: Answer) -> None:
        """In the modal that the person waits in, if there is one."""
        with contextlib.suppress(OpsbellError, UnfitBlocks):
            if await opened.tell(answer.message):
                return
        await self._answers.give(request, answer)

    async def home(self, user: str) -> None:
        """Shows someone their App Home. Never raises."""
        try:
            await self._answers.home(user, await self._home(user))
        except Exception:
            logger.exception("App Home not shown", extra={"user": user})

    async def work(self, request: dict[str, Any], taken_at: float) -> None:
        """The job of a request that was taken at `taken_at` (Unix time): does it, then answers.

        Raises what the queue tries again: Opsbell's own database was away, or Slack did not say
        who may, and nothing was done.
        """
        asked = Request.from_json(request)
        age = time.time() - taken_at
        await self._give_way(age)
        try:
            await self._do(asked, patient=age < PATIENCE.total_seconds())
        except Exception as error:
            if not may_pass(error):
                await self._inbox.forget_address(asked.key)
            raise

    async def _give_way(self, age: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0, GIVES_WAY.total_seconds() - age)):
                await self._inbox.quiet()

    async def _do(self, asked: Request, *, patient: bool) -> None:
        began = False
        try:
            call = self._surface.call(asked)
            decision = await self._decide_for_good(asked, call, patient=patient)
            async with self._database.transaction() as tx:
                if not await self._inbox.claim(tx, entry(asked)):
                    return
                began = True
                answer = await self._change(tx, asked, call, decision)
        except psycopg.OperationalError:
            raise
        except OpsbellError as error:
            if not began and may_pass(error):
                raise
            outcome = "refused" if isinstance(error, Refused) else "failed"
            await self._end(asked, present.error(error, self._prefix), outcome, str(error))
        except Exception:
            reference = present.new_reference()
            logger.exception("request broke", extra={"request": asked.key, "ref": reference})
            await self._end(asked, present.defect(reference), "failed", reference)
        else:
            self._say(asked, answer)

    async def _change(
        self, tx: Transaction, asked: Request, call: Call, decision: Decision
    ) -> Answer | None:
        if not decision.allowed:
            tx.record(self._refusal(asked, decision))
            return Answer(present.refusal(call.access, decision))
        tx.record(self._event(asked, "taken", "ok"))
        answer = await call.change(asked, tx) if call.change else None
        if answer is not None and answer.public:
            await self._answers.publicly(tx, asked, answer)
            return None
        return answer

    async def _end(self, asked: Request, message: Message, outcome: str, why: str) -> None:
        """Closes a request whose change was rolled back."""
        async with self._database.transaction() as tx:
            if not await self._inbox.claim(tx, entry(asked)):
                return
            tx.record(self._event(asked, outcome, outcome, why=why))
        self._say(asked, Answer(message))

    def _say(self, asked: Request, answer: Answer | None) -> None:
        """Answers without keeping the job, and what waits for its lock, until Slack has heard."""
        if answer is not None:
            self._tasks.start(self._answers.give(asked, answer), asked.key)

    async def _decide(self, request: Request, call: Call) -> Decision:
        rule = self._settings.rule(call.access)
        return decide(rule, await self._people.roles_for(request.user), request.user)

    async def _decide_for_good(self, request: Request, call: Call, *, patient: bool) -> Decision:
        """Raises RolesUnknown where Slack does not say, unless patience is over."""
        decision = await self._decide(request, call)
        if patient and not decision.known:
            raise RolesUnknown
        return decision

    def _refusal(self, request: Request, decision: Decision) -> Event:
        why = {} if decision.known else {"why": "Slack did not say who has the role"}
        return self._event(request, "refused", "refused", role=decision.role, **why)

    def _event(self, request: Request, verb: str, outcome: str, **detail: str) -> Event:
        what = Kind.COMMAND if request.kind is Kind.MENTION else request.kind
        text = self._redact(f"{request.name} {request.text}".strip())
        return Event(
            actor=request.actor,
            action=f"{what.value}.{verb}",
            subject=request.key,
            outcome=outcome,
            detail={"text": text, "channel": request.channel, **detail},
        )
