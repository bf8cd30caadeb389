"""The same answers in the terminal: a Slack message as lines of text, and operations followed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bot.errors import OpsbellError
from bot.operations import view
from bot.operations.engine import PATIENCE
from bot.operations.model import Operation
from bot.operations.service import Operations
from bot.operations.states import OperationState, StepState
from bot.slack.blocks import without_moments
from bot.slack.client import SlackClient
from bot.slack.directory import NAMES_LIMIT, names_of
from bot.slack.message import Block, Message
from bot.store.database import patient
from bot.targets.text import visible

FOLLOW_INTERVAL = 0.5

_NOT_ENDED = (StepState.OPEN, StepState.RUNNING, StepState.LEFT_OUT)

_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_MENTION = re.compile(r"<[@#!](?:subteam\^)?([^|>]+)(?:\|([^>]*))?>")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?! )([^*\n]+)(?<! )\*(?![\w*])")
_SLASH = re.compile(
    r"(?<!\S)/(?:opsbell(?= )|(backup|restore|maintenance|deploy|checklist|runbook)\b)(?!/)"
)
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)>")
NOBODY: Mapping[str, str] = {}
_TICKS = re.compile(r"```\n?|`")


Names = Mapping[str, str]
"""People's names by their IDs; who is not among them is called by the ID."""


class People:
    """What those are called who are mentioned, as far as Slack says it.

    Each is asked for once. All the waiting together takes NAMES_LIMIT seconds at most: the terminal
    is for when Slack is down, too.
    """

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._patience = NAMES_LIMIT
        self._asked: set[str] = set()
        self._names: dict[str, str] = {}

    async def names(self, *texts: str | Message) -> Names:
        """The names of all who are mentioned in these texts and in earlier ones. Never raises."""
        people = {person for text in texts for person in mentioned(text)}
        return await self.of(people)

    async def of(self, people: Iterable[str]) -> Names:
        """The same for people given by their IDs."""
        unknown = {*people} - self._asked
        if unknown and self._patience > 0:
            begun = time.monotonic()
            found = await names_of(self._client, unknown, self._patience)
            self._patience -= time.monotonic() - begun
            self._names |= {person: visible(name) for person, name in found.items()}
        self._asked |= unknown
        return self._names

    async def explain(self, error: OpsbellError) -> None:
        """Puts an error into the terminal's words: names for people, commands as typed here."""
        names = await self.names(str(error))
        error.message = typed_here(named(error.message, names))
        error.hint = typed_here(named(error.hint, names))


def plain(mrkdwn: str, names: Names = NOBODY) -> str:
    """Slack's mrkdwn as plain text: times as they are where nothing is rendered, with their zone;
    links written out; people by their names."""
    text = _LINK.sub(r"\2 (\1)", without_moments(mrkdwn))
    text = _MENTION.sub(lambda match: names.get(match[1]) or match[2] or match[1], text)
    text = _TICKS.sub("", _EMPHASIS.sub(r"\1", text))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def lines(message: Message, names: Names = NOBODY) -> Iterator[str]:
    """What a message says, without its controls; its text where it has no blocks.

    A slash command named in it reads as it is typed here: `/backup now` as `opsbell backup now`.
    """
    texts = [text for block in message.blocks for text in _texts(block, names)]
    for text in texts or [plain(message.text, names)]:
        yield from typed_here(text).splitlines()


def typed_here(text: str) -> str:
    """A text with the slash commands in it as they are typed at the terminal."""
    return _SLASH.sub(lambda match: f"opsbell {match[1]}" if match[1] else "opsbell", text)


def named(text: str, names: Names) -> str:
    """Plain text with the people who are mentioned in it called by their names."""
    return _PERSON.sub(lambda match: names.get(match[1], match[1]), text)


def mentioned(text: str | Message) -> set[str]:
    """The IDs of the people who are mentioned."""
    return set(_PERSON.findall(text if isinstance(text, str) else str(text.as_json())))


async def follow(
    operations: Operations, number: int, console: Console, people: People
) -> Operation:
    """Shows an operation until it has ended. Where nobody watches, one line per finished step.

    An outage of Opsbell's own database is borne for as long as what runs bears it.
    """
    with patient(PATIENCE):
        return await _follow(operations, number, console, people)


async def _follow(
    operations: Operations, number: int, console: Console, people: People
) -> Operation:
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                operation = await operations.get(number)
                told = [*await shown(operation, people), *await waits_for(operation, people)]
                told.append(operation.output or await operations.tail(operation))
                live.update(Text("\n".join(filter(None, told))), refresh=True)
                if operation.state.final:
                    return operation
                await asyncio.sleep(FOLLOW_INTERVAL)
    return await _follow_plainly(operations, number, console, people)


async def shown(operation: Operation, people: People) -> list[str]:
    """How an operation stands, as plain lines."""
    return await _told(view.lines(operation, datetime.now(UTC)), people)


async def approvals(operation: Operation, people: People) -> list[str]:
    """Who has approved, and who is waited for."""
    told = Message("", view.awaiting(operation))
    return [*lines(told, await people.names(told))] if told.blocks else []


async def waits_for(operation: Operation, people: People) -> list[str]:
    """Whom an operation waits for, and how it goes on without them."""
    if operation.state is not OperationState.AWAITING:
        return []
    without = "Ctrl-C leaves it waiting. --break-glass REASON goes on without approval."
    return [*await approvals(operation, people), without]


async def _follow_plainly(
    operations: Operations, number: int, console: Console, people: People
) -> Operation:
    told = 0
    for line in await waits_for(await operations.get(number), people):
        console.print(Text(line), soft_wrap=True)
    while True:
        operation = await operations.get(number)
        ended = [s for s in operation.steps if s.state not in _NOT_ENDED]
        for step in ended[told:]:
            for line in await _told([view.step_line(step, datetime.now(UTC))], people):
                console.print(Text(line), soft_wrap=True)
        told = len(ended)
        if operation.state.final:
            head = view.headline(operation, datetime.now(UTC), None)
            said = [*await _told([head, operation.error], people), operation.output]
            for line in filter(None, said):
                console.print(Text(line), soft_wrap=True)
            return operation
        await asyncio.sleep(FOLLOW_INTERVAL)


async def _told(texts: Sequence[str], people: People) -> list[str]:
    """Plain texts as they are read here, without those that say nothing."""
    names = await people.names(*texts)
    return [named(without_moments(text), names) for text in texts if text]


def _texts(block: Block, names: Names) -> Iterator[str]:
    """What a block says, as plain text."""
    match block["type"]:
        case "section":
            if "text" in block:
                yield _words(block["text"], names)
            yield from (_words(field, names) for field in block.get("fields", ()))
        case "header":
            yield _words(block["text"], names)
        case "context":
            yield "  ".join(_words(element, names) for element in block["elements"])
        case "actions":
            for element in block["elements"]:
                yield from (_words(one["text"], names) for one in element.get("options", ()))


def _words(text: Mapping[str, str], names: Names) -> str:
    return plain(text["text"], names) if text["type"] == "mrkdwn" else text["text"]
