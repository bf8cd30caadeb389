"""`/opsbell`: what Opsbell can do for whom, and how it is; the same on its App Home."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import status, words
from bot.config.settings import Settings
from bot.errors import UsageError
from bot.slack import present
from bot.slack.blocks import context, escape, header, section
from bot.slack.message import Block, Message
from bot.slack.people import Decision, People, Roles, decide
from bot.slack.surface import Answer, Call, Command, Modals, Request, Surface, Usage
from bot.slack.text_in import nearest, split
from bot.status import Status
from bot.words import Sign, utc_now

ACCESS = "opsbell"
AUDIT = "audit"
"""Its access rule, which nothing configures: it is the admins' alone."""

WORDS = ("help", "status", "audit")
USAGES = (
    Usage("/opsbell help [COMMAND]", "What Opsbell can do for you", "/opsbell help backup"),
    Usage("/opsbell status", "Version, connections, queue, what comes next"),
    Usage("/opsbell audit", "The last events of the audit log, for admins"),
)
SUMMARY = "Help, and how Opsbell itself is"
ABOUT = "Opsbell runs checklists, backups and the other operations of your web application."


@dataclass(frozen=True)
class Sources:
    """What the command shows comes from here: the `status`, of it what is `upcoming` (name and
    time, soonest first), and the last events of the `audit`."""

    status: Callable[[], Awaitable[Status]]
    upcoming: Callable[[], Sequence[tuple[str, datetime]]]
    audit: Callable[[], Awaitable[Message]]


class OpsbellCommand:
    """Parses the words and shows what it is asked for."""

    def __init__(
        self, settings: Settings, surface: Surface, people: People, sources: Sources
    ) -> None:
        self._settings = settings
        self._surface = surface
        self._people = people
        self._sources = sources

    def command(self) -> Command:
        """What is registered."""
        return Command("opsbell", SUMMARY, USAGES, self.parse, WORDS)

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        match [word.lower() for word in split(request.text)]:
            case [] | ["help"]:
                return Call(ACCESS, query=self._help)
            case ["help", name]:
                command = self._named(name)
                return Call(ACCESS, query=lambda request, modals: self._help_on(request, command))
            case ["status"]:
                return Call(ACCESS, query=self._status)
            case ["audit"]:
                return Call(AUDIT, query=self._audit)
            case [word, *_] if word in WORDS:
                raise UsageError(f"Too many words after {word}.")
        raise UsageError(f"/opsbell does not know {request.text.split()[0][:30]}.")

    async def home(self, user: str) -> dict[str, Any]:
        """The view of someone's App Home."""
        roles = await self._people.roles_for(user)
        held = sorted(role for role, people in roles.holders.items() if user in people)
        yours = f"Your roles: {words.join(held)}." if held else "You have no role of your own."
        blocks = [
            section(f"{ABOUT}\n{yours}"),
            *status.coming(self._sources.upcoming(), utc_now(), "Next"),
            header("Commands"),
            *self._commands(roles, user),
        ]
        return {"type": "home", "blocks": blocks}

    def _named(self, name: str) -> Command:
        known = self._surface.commands
        found = known.get(name.removeprefix("/").removeprefix(self._settings.slack.command_prefix))
        if found is None:
            raise UsageError(f"There is no command {name[:30]}.", hint=nearest(name, known))
        return found

    async def _help(self, request: Request, modals: Modals) -> Answer:
        roles = await self._people.roles_for(request.user)
        names = words.join([self._typed(name) for name in self._surface.commands])
        tail = context(
            f"`{self._typed('opsbell')} help COMMAND` shows how one is used."
            " In a thread, mention Opsbell instead: `@opsbell backup now`."
        )
        blocks = [section(ABOUT), *self._commands(roles, request.user), tail]
        return Answer(Message(f"Opsbell knows {names}.", blocks))

    async def _help_on(self, request: Request, command: Command) -> Answer:
        roles = await self._people.roles_for(request.user)
        decision = decide(self._settings.rule(command.name), roles, request.user)
        prefix = self._settings.slack.command_prefix
        examples = [present.with_prefix(u.example, prefix) for u in command.usages if u.example]
        blocks: list[Block] = [
            section(f"*{self._typed(command.name)}* {escape(command.summary)}"),
            section(present.forms(command.usages, prefix)),
            context(_may(decision)),
        ]
        if examples:
            blocks.append(context("For example " + ", ".join(f"`{each}`" for each in examples)))
        return Answer(Message(f"{self._typed(command.name)}: {command.summary}.", blocks))

    async def _status(self, request: Request, modals: Modals) -> Answer:
        found = await self._sources.status()
        return Answer(status.message(found, utc_now()), data=status.as_data(found))

    async def _audit(self, request: Request, modals: Modals) -> Answer:
        return Answer(await self._sources.audit())

    def _commands(self, roles: Roles, user: str) -> list[Block]:
        """One line per command; those that `user` may not use say what they need."""
        lines = []
        for command in self._surface.commands.values():
            decision = decide(self._settings.rule(command.name), roles, user)
            line = f"`{self._typed(command.name)}`  {escape(command.summary)}"
            lines.append(line if decision.allowed else f"{line}\n{_may(decision)}")
        return [section("\n".join(lines))]

    def _typed(self, name: str) -> str:
        return f"/{self._settings.slack.command_prefix}{name}"


def _may(decision: Decision) -> str:
    if decision.allowed:
        return f"{Sign.DONE} You may use it."
    return f"{Sign.REFUSED} Needs the role {decision.role}, which you do not have."
