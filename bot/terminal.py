"""The same answers in the terminal: a Slack message as lines of text, and operations followed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bot.operations import view
from bot.operations.model import Operation
from bot.operations.service import Operations
from bot.operations.states import OperationState, StepState
from bot.slack.blocks import without_moments
from bot.slack.message import Block, Message

FOLLOW_INTERVAL = 0.5

_NOT_ENDED = (StepState.OPEN, StepState.RUNNING, StepState.LEFT_OUT)

_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_MENTION = re.compile(r"<[@#!](?:subteam\^)?([^|>]+)(?:\|([^>]*))?>")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?! )([^*\n]+)(?<! )\*(?![\w*])")
_SLASH = re.compile(r"(?<!\S)/(backup|restore|maintenance|deploy|checklist|runbook)\b(?!/)")
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)>")
NOBODY: Mapping[str, str] = {}
_TICKS = re.compile(r"```\n?|`")


Names = Mapping[str, str]
"""People's names by their IDs; who is not among them is called by the ID."""


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
        yield from _SLASH.sub(r"opsbell \1", text).splitlines()


def named(text: str, names: Names) -> str:
    """Plain text with the people who are mentioned in it called by their names."""
    return _PERSON.sub(lambda match: names.get(match[1], match[1]), text)


def mentioned(text: str | Message) -> set[str]:
    """The IDs of the people who are mentioned."""
    return set(_PERSON.findall(text if isinstance(text, str) else str(text.as_json())))


async def follow(
    operations: Operations, number: int, console: Console, names: Names = NOBODY
) -> Operation:
    """Shows an operation until it has ended. Where nobody watches, one line per finished step."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                operation = await operations.get(number)
                told = [*shown(operation), *waits_for(operation, names)]
                told.append(operation.output or await operations.tail(operation))
                live.update(Text("\n".join(filter(None, told))), refresh=True)
                if operation.state.final:
                    return operation
                await asyncio.sleep(FOLLOW_INTERVAL)
    return await _follow_plainly(operations, number, console, names)


def shown(operation: Operation) -> Iterator[str]:
    """How an operation stands, as plain lines."""
    yield from map(without_moments, view.lines(operation, datetime.now(UTC)))


def waits_for(operation: Operation, names: Names = NOBODY) -> Iterator[str]:
    """Whom an operation waits for, and how it goes on without them."""
    if operation.state is OperationState.AWAITING:
        for block in view.awaiting(operation):
            yield from _texts(block, names)
        yield "Ctrl-C leaves it waiting. --break-glass REASON goes on without approval."


async def _follow_plainly(
    operations: Operations, number: int, console: Console, names: Names
) -> Operation:
    told = 0
    for line in waits_for(await operations.get(number), names):
        console.print(Text(line), soft_wrap=True)
    while True:
        operation = await operations.get(number)
        ended = [s for s in operation.steps if s.state not in _NOT_ENDED]
        for step in ended[told:]:
            line = without_moments(view.step_line(step, datetime.now(UTC)))
            console.print(Text(line), soft_wrap=True)
        told = len(ended)
        if operation.state.final:
            head = view.headline(operation, datetime.now(UTC), None)
            for line in filter(None, (head, operation.error, operation.output)):
                console.print(Text(without_moments(line)), soft_wrap=True)
            return operation
        await asyncio.sleep(FOLLOW_INTERVAL)


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
