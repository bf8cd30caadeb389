"""Doing what was asked: queries answered by tasks, changes done by the jobs of the inbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import psycopg

from bot.config.settings import Settings
from bot.errors import OpsbellError, Refused, Unavailable
from bot.slack import present
from bot.slack.answers import Answers
from bot.slack.message import Message
from bot.slack.people import Decision, People, decide
from bot.slack.surface import Answer, Call, Kind, Modals, Request, Surface
from bot.slack.tasks import Tasks
from bot.store.database import Database, Transaction
from bot.store.events import Event
from bot.store.inbox import Entry, Inbox

logger = logging.getLogger(__name__)

Home = Callable[[str], Awaitable[Mapping[str, Any]]]

# Work gives way to people's acks, but not for longer than this.
GIVES_WAY = timedelta(seconds=0.5)


class DatabaseAway(Unavailable):
    """Opsbell's own database went away in the middle of a look."""

    def __init__(self) -> None:
        super().__init__("Opsbell's own database does not answer.", hint="Try again in a minute.")


def entry(request: Request) -> Entry:
    """How a request is kept in the inbox. Clicks on one message are done in order."""
    lock = None
    if request.view_id:
        lock = f"view:{request.view_id}"
    elif request.kind is Kind.CLICK:
        lock = f"message:{request.channel}:{request.message}"
    return Entry(request.key, {"request": request.as_json()}, lock=lock, twin=request.twin)


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
        try:
            decision = await self._decide(request, call)
            if decision.allowed:
                answer = await call.query(request, self._modals) if call.query else None
            else:
                answer = Answer(present.refusal(call.access, decision))
                async with self._database.transaction() as tx:
                    tx.record(self._refusal(request, decision))
            if answer is not None:
                await self._answers.give(request, answer)
        except (OpsbellError, psycopg.OperationalError) as error:
            known = error if isinstance(error, OpsbellError) else DatabaseAway()
            await self._answers.privately(request, present.error(known))
        except Exception:
            reference = present.new_reference()
            logger.exception("query broke", extra={"request": request.key, "ref": reference})
            await self._answers.privately(request, present.defect(reference))

    async def home(self, user: str) -> None:
        """Shows someone their App Home. Never raises."""
        try:
            await self._answers.home(user, await self._home(user))
        except Exception:
            logger.exception("App Home not shown", extra={"user": user})

    async def work(self, request: dict[str, Any]) -> None:
        """The job of a request that was taken: does it once, then answers.

        Raises what the queue tries again: its own database was away, and nothing was done.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GIVES_WAY.total_seconds()):
                await self._inbox.quiet()
        asked = Request.from_json(request)
        began = False
        try:
            call = self._surface.call(asked)
            decision = await self._decide(asked, call)
            async with self._database.transaction() as tx:
                if not await self._inbox.claim(tx, entry(asked)):
                    return
                began = True
                answer = await self._change(tx, asked, call, decision)
        except psycopg.OperationalError:
            raise
        except OpsbellError as error:
            if isinstance(error, Unavailable) and not began:
                raise
            outcome = "refused" if isinstance(error, Refused) else "failed"
            await self._end(asked, present.error(error), outcome, str(error))
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

    def _refusal(self, request: Request, decision: Decision) -> Event:
        return self._event(request, "refused", "refused", role=decision.role)

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
