"""`/maintenance`: put an application into maintenance now or later, and out of it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.config.settings import Settings
from bot.errors import UsageError
from bot.maintenance import status_view, view
from bot.maintenance.plans import ACCESS, OFF_RUNBOOK, ON_RUNBOOK
from bot.maintenance.service import Maintenance, on_parameters
from bot.maintenance.when import length_of, reason_and_length, schedule_of
from bot.operations.asking import Asking, plan_asked
from bot.operations.queued import queued
from bot.slack import blocks, present
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Command, Request, Usage
from bot.slack.text_in import resolve_target, split
from bot.store.database import Transaction
from bot.words import count, utc_now

WORDS = ("on", "off", "status", "schedule", "extend", "cancel", "plan")
USAGES = (
    Usage(
        "/maintenance on [REASON] [for 30m]",
        "Close the application to visitors",
        "/maintenance on Upgrade to 1.5 for 30m",
    ),
    Usage("/maintenance off", "Open it again"),
    Usage("/maintenance status", "How it stands, by its file and its page"),
    Usage(
        "/maintenance schedule AT for 30m",
        "Close it later: 22:00, 2026-11-25 22:00 or in 2h",
        "/maintenance schedule 22:00 for 1h Upgrade to 1.5",
    ),
    Usage("/maintenance extend 30m", "Move the end of the one that is on"),
    Usage("/maintenance cancel [NUMBER]", "Take back one that is scheduled"),
)


class MaintenanceCommand:
    """Parses the words and asks for maintenance."""

    def __init__(self, settings: Settings, maintenance: Maintenance, asking: Asking) -> None:
        self._settings = settings
        self._maintenance = maintenance
        self._asking = asking

    def command(self) -> Command:
        """What is registered."""
        return Command(
            "maintenance",
            "Close an application to visitors, and open it again",
            USAGES,
            self.parse,
            WORDS,
        )

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        words, plan_only = plan_asked(split(request.text))
        target, words = resolve_target(self._settings, words, request.channel, request.channel_name)
        if not words and not plan_only:
            return Call(ACCESS, query=lambda request, modals: self._overview(target))
        word, rest = (words[0].lower(), words[1:]) if words else ("", [])
        if plan_only and word not in ("on", "off"):
            raise UsageError("Only on and off have a plan.")
        match word:
            case "on":
                return self._on(target, rest, plan_only=plan_only)
            case "off":
                _no_more(word, rest)
                return self._off(target, plan_only=plan_only)
            case "status":
                _no_more(word, rest)
                return Call(ACCESS, query=lambda request, modals: self._status(target))
            case "schedule":
                return self._schedule(target, rest)
            case "extend":
                return self._extend(target, rest)
            case "cancel":
                return self._cancel(target, rest)
        raise UsageError(f"/maintenance does not know {words[0][:30]}.")

    def _on(self, target: str, words: Sequence[str], *, plan_only: bool) -> Call:
        reason, length = reason_and_length(words)
        if plan_only:
            parameters = on_parameters(reason, length)
            return self._asking.call(ACCESS, ON_RUNBOOK, target, parameters, plan_only=True)

        async def change(request: Request, tx: Transaction) -> Answer:
            number = await self._maintenance.turn_on(
                tx, target, reason, length, actor=request.actor, request_key=request.key
            )
            return await self._queued(tx, target, "on", number)

        return Call(ACCESS, change=change)

    def _off(self, target: str, *, plan_only: bool) -> Call:
        if plan_only:
            return self._asking.call(ACCESS, OFF_RUNBOOK, target, {}, plan_only=True)

        async def change(request: Request, tx: Transaction) -> Answer:
            number = await self._maintenance.turn_off(
                tx, target, actor=request.actor, request_key=request.key
            )
            return await self._queued(tx, target, "off", number)

        return Call(ACCESS, change=change)

    def _schedule(self, target: str, words: Sequence[str]) -> Call:
        starts, length, reason = schedule_of(words, utc_now(), self._settings.timezone)

        async def change(request: Request, tx: Transaction) -> Answer:
            return await self._scheduled(request, tx, target, starts, length, reason)

        return Call(ACCESS, change=change)

    async def _scheduled(
        self,
        request: Request,
        tx: Transaction,
        target: str,
        starts: datetime,
        length: timedelta,
        reason: str,
    ) -> Answer:
        window = await self._maintenance.schedule(
            tx, target, starts, length, reason, actor=request.actor
        )
        told = f"Maintenance {window.id} of {target}: {view.span(window, self._settings.timezone)}."
        if needed := self._settings.rule(ACCESS).approvals:
            # It is asked for in the name of its person, so others have to be there then.
            them = "it" if needed == 1 else "them"
            told += f" It asks for {count(needed, 'approval')} at its hour, and begins with {them}."
        return Answer(view.said(told), data={"target": target, "maintenance": window.id})

    def _extend(self, target: str, words: Sequence[str]) -> Call:
        if words[:1] in (["by"], ["for"]):
            words = words[1:]
        if len(words) != 1:
            raise UsageError("Say by how much.", hint="Such as: extend 30m.")
        length = length_of(words[0])

        async def change(request: Request, tx: Transaction) -> Answer:
            window = await self._maintenance.extend(tx, target, length, actor=request.actor)
            data = {"target": target, "maintenance": window.id, "until": str(window.until)}
            return Answer(view.extended(window, self._settings.timezone), data=data)

        return Call(ACCESS, change=change)

    def _cancel(self, target: str, words: Sequence[str]) -> Call:
        if len(words) > 1 or (words and not words[0].isdecimal()):
            raise UsageError("cancel takes a number at most.", hint="/maintenance status has it.")
        number = int(words[0]) if words else None

        async def change(request: Request, tx: Transaction) -> Answer:
            window = await self._maintenance.cancel(tx, target, number, actor=request.actor)
            told = f"Maintenance {window.id} of {window.target} was cancelled."
            return Answer(Message(told), data={"target": target, "maintenance": window.id})

        return Call(ACCESS, change=change)

    async def _status(self, target: str) -> Answer:
        standing = await self._maintenance.standing(target)
        told = status_view.status(standing, self._settings.timezone)
        return Answer(told, data=status_view.as_data(standing))

    async def _overview(self, target: str) -> Answer:
        answer = await self._status(target)
        forms = present.forms(USAGES, self._settings.slack.command_prefix)
        told = answer.message
        return replace(answer, message=Message(told.text, [*told.blocks, blocks.section(forms)]))

    async def _queued(self, tx: Transaction, target: str, state: str, number: int) -> Answer:
        channel = self._settings.slack.channel("ops")
        told = await queued(tx, number, f"Maintenance of {target} {state}", channel)
        return Answer(told, data={"operation": number, "target": target})


def _no_more(word: str, rest: Sequence[str]) -> None:
    if rest:
        raise UsageError(f"{word} takes no further words.")
