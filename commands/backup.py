"""`/backup`: take one now, see which there are, look at one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.backups import view
from bot.backups.service import Backups
from bot.config.settings import Settings
from bot.errors import UsageError
from bot.slack import blocks, present
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Command, Request, Usage
from bot.slack.text_in import resolve_target, split
from bot.store.database import Transaction

ACCESS = "backup"
WORDS = ("now", "list", "show")
USAGES = (
    Usage(
        "/backup now [database media logs config]",
        "Take a backup, of everything or of these parts",
        "/backup now database",
    ),
    Usage("/backup list", "The backups there are"),
    Usage("/backup show ID", "One backup: what it holds and where it is", "/backup show latest"),
)


class BackupCommand:
    """Parses the words and asks the backups."""

    def __init__(self, settings: Settings, backups: Backups) -> None:
        self._settings = settings
        self._backups = backups

    def command(self) -> Command:
        """What is registered."""
        return Command("backup", "Take backups and look at them", USAGES, self.parse, WORDS)

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        target, words = resolve_target(
            self._settings, split(request.text), request.channel, request.channel_name
        )
        match words:
            case []:
                return Call(ACCESS, query=lambda request, modals: self._overview(target))
            case [word, *parts] if word.lower() == "now":
                include = self._backups.parts(target, parts)
                return Call(
                    ACCESS, change=lambda request, tx: self._now(request, tx, target, include)
                )
            case [word] if word.lower() == "list":
                return Call(ACCESS, query=lambda request, modals: self._list(target))
            case [word, wanted] if word.lower() == "show":
                return Call(ACCESS, query=lambda request, modals: self._show(target, wanted))
            case [word, *_] if word.lower() == "show":
                raise UsageError("Say which backup: its ID, the beginning of it, or latest.")
            case [word, *_] if word.lower() == "list":
                raise UsageError("list takes no further words.")
        raise UsageError(f"/backup does not know {words[0][:30]}.")

    async def _now(
        self, request: Request, tx: Transaction, target: str, include: Sequence[str]
    ) -> Answer:
        plan = self._backups.plan(target, include)
        queued = await self._backups.request(
            tx, plan, actor=request.actor, reason="manual", request_key=request.key
        )
        return Answer(
            view.queued(queued, self._settings.slack.channel("ops")),
            data={"operation": queued.operation, "target": target},
        )

    async def _list(self, target: str) -> Answer:
        sets = await self._backups.sets(target)
        slash = f"/{self._settings.slack.command_prefix}backup"
        return Answer(
            view.listing(target, sets, datetime.now(UTC), slash=slash),
            data={"target": target, "backups": [view.as_data(one) for one in sets]},
        )

    async def _show(self, target: str, wanted: str) -> Answer:
        found = await self._backups.find(target, wanted)
        return Answer(view.details(found, datetime.now(UTC)), data=view.as_data(found))

    async def _overview(self, target: str) -> Answer:
        sentence = view.newest(target, await self._backups.sets(target), datetime.now(UTC))
        prefix = self._settings.slack.command_prefix
        forms = "\n".join(present.form(usage, prefix) for usage in USAGES)
        shown = [blocks.section(sentence), blocks.section(blocks.code(forms))]
        return Answer(Message(sentence, shown))
