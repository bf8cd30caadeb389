"""`/backup`: take one now, see which there are, prove one, remove those that no rule keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.backups import view
from bot.backups.running import RUNBOOK
from bot.backups.service import PRUNE, Backups
from bot.config.settings import Settings
from bot.drills.service import RUNBOOK as VERIFY
from bot.errors import UsageError
from bot.operations.asking import WINDOW, Asking, plan_asked
from bot.operations.queued import queued
from bot.slack import blocks, present
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Command, Control, Modals, Request, Usage
from bot.slack.text_in import resolve_target, split
from bot.store.database import Transaction

ACCESS = "backup"
WORDS = ("now", "list", "show", "verify", "prune", "plan")
USAGES = (
    Usage(
        "/backup now [PARTS]",
        "Take a backup, of everything or of database, media, logs or config alone",
        "/backup now database",
    ),
    Usage("/backup list", "The backups there are, and why each is kept"),
    Usage("/backup show [ID]", "One backup: what it holds and where it is", "/backup show latest"),
    Usage("/backup verify [ID]", "Prove that a backup can be restored", "/backup verify latest"),
    Usage("/backup prune", "Remove the backups that no rule keeps"),
    Usage("/backup plan [now|verify|prune]", "What would be run; nothing is", "/backup plan prune"),
)


class BackupCommand:
    """Parses the words and asks the backups."""

    def __init__(self, settings: Settings, backups: Backups, asking: Asking) -> None:
        self._settings = settings
        self._backups = backups
        self._asking = asking

    def command(self) -> Command:
        """What is registered."""
        return Command("backup", "Take backups and look at them", USAGES, self.parse, WORDS)

    def controls(self) -> list[Control]:
        """The button beside a backup in the list, and the one that tries it."""

        async def show(request: Request, modals: Modals) -> Answer:
            target, _, wanted = request.value.partition(" ")
            return await self._show(target, wanted)

        async def verify(request: Request, modals: Modals) -> Answer | None:
            target, _, wanted = request.value.partition(" ")
            return await self._asking.ask(request, modals, VERIFY, target, {"set": wanted})

        return [
            Control(view.SHOW, Call(ACCESS, query=show)),
            Control(view.VERIFY, Call(ACCESS, query=verify, window=WINDOW)),
        ]

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        target, typed = resolve_target(
            self._settings,
            split(request.text),
            request.channel,
            request.channel_name,
            with_own=True,
        )
        words, plan_only = plan_asked(typed)
        match words:
            case [] if not plan_only:
                return Call(ACCESS, query=lambda request, modals: self._overview(target))
            case [word, *parts] if word.lower() == "now":
                return self._now(target, parts, plan_only)
            case [word] if word.lower() == "prune":
                return self._prune(target, plan_only)
            case [word, *rest] if word.lower() == "verify":
                return self._verify(target, rest, plan_only)
            case _ if plan_only:
                return self._now(target, words, plan_only)
            case [word] if word.lower() == "list":
                return Call(ACCESS, query=lambda request, modals: self._list(target))
            case [word] if word.lower() == "show":
                return Call(ACCESS, query=lambda request, modals: self._show(target, "latest"))
            case [word, wanted] if word.lower() == "show":
                return Call(ACCESS, query=lambda request, modals: self._show(target, wanted))
            case [word, *_] if word.lower() == "show":
                raise UsageError("Say which backup: its ID, the beginning of it, or latest.")
            case [word, *_] if word.lower() in ("prune", "list"):
                raise UsageError(f"{word.lower()} takes no further words.")
        raise UsageError(f"/backup does not know {words[0][:30]}.")

    def _now(self, target: str, words: Sequence[str], plan_only: bool) -> Call:
        include = self._backups.parts(target, words)
        if plan_only:
            wanted = {"include": list(include)}
            return self._asking.call(ACCESS, RUNBOOK, target, wanted, plan_only=True)
        return Call(ACCESS, change=lambda request, tx: self._take(request, tx, target, include))

    def _prune(self, target: str, plan_only: bool) -> Call:
        asked = self._asking.call(ACCESS, PRUNE, target, {}, plan_only=plan_only)

        async def prune(request: Request, modals: Modals) -> Answer | None:
            sets = await self._backups.sets(target)
            if asked.query and (plan_only or self._backups.going(target, sets)):
                return await asked.query(request, modals)
            data = {"target": target, "removed": []}
            return Answer(view.nothing_to_prune(target, sets), data=data)

        return Call(ACCESS, query=prune, window=asked.window)

    def _verify(self, target: str, words: Sequence[str], plan_only: bool) -> Call:
        if len(words) > 1:
            raise UsageError("Say which backup: its ID, the beginning of it, or latest.")
        wanted = {"set": words[0] if words else ""}
        return self._asking.call(ACCESS, VERIFY, target, wanted, plan_only=plan_only)

    async def _take(
        self, request: Request, tx: Transaction, target: str, include: Sequence[str]
    ) -> Answer:
        plan = self._backups.plan(target, include)
        channel = self._settings.slack.channel("ops")
        if waiting := await self._backups.waiting(tx, plan):
            data = {"operation": waiting.id, "target": target}
            return Answer(view.joined(waiting, channel), data=data)
        number = await self._backups.request(
            tx, plan, actor=request.actor, reason="manual", request_key=request.key
        )
        told = await queued(tx, number, f"The backup of {target}", channel)
        return Answer(told, data={"operation": number, "target": target})

    async def _list(self, target: str) -> Answer:
        sets = await self._backups.sets(target)
        kept = self._backups.kept_because(target, sets)
        slash = f"/{self._settings.slack.command_prefix}backup"
        return Answer(
            view.listing(target, sets, kept, datetime.now(UTC), slash=slash),
            data={
                "target": target,
                "backups": [view.as_data(one) | {"kept": kept.get(one.id, [])} for one in sets],
            },
        )

    async def _show(self, target: str, wanted: str) -> Answer:
        found = await self._backups.find(target, wanted)
        shown = view.details(target, found, datetime.now(UTC), self._settings.timezone)
        return Answer(shown, data=view.as_data(found))

    async def _overview(self, target: str) -> Answer:
        sentence = view.newest(target, await self._backups.sets(target), datetime.now(UTC))
        forms = present.forms(USAGES, self._settings.slack.command_prefix)
        return Answer(Message(sentence, [blocks.section(sentence), blocks.section(forms)]))
