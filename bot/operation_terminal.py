"""`opsbell operation N`: how an operation stands, and what can be done with it from here."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot import app, terminal
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import Core, opened
from bot.errors import UsageError
from bot.log import first_redact, set_up_logging
from bot.operations import view
from bot.operations.model import Operation
from bot.operations.states import Course, OperationState
from bot.os_user import me
from bot.slack.directory import names_of
from bot.slack.message import Message
from bot.slack.text_in import nearest
from bot.words import join

CANCEL = "cancel"
VERBS = (CANCEL, Course.RESUME.value, Course.UNDO.value, Course.LEAVE.value)


async def operation(config: Path, number: int, verb: str) -> int:
    """Shows an operation, or does one of VERBS and follows what comes of it; the exit status.

    Raises ConfigurationError, UsageError, NotFound, and Refused where it cannot be done any more.
    """
    if verb and verb not in VERBS:
        raise UsageError(f"operation does not know {verb}.", hint=nearest(verb, VERBS))
    settings = load(config, os.environ)
    secrets = SlackSecrets.for_terminal(os.environ)
    set_up_logging(first_redact(settings, secrets), logging.ERROR)
    console = Console(highlight=False)
    async with opened(settings, secrets) as core:
        set_up_logging(core.redactor.redact, logging.ERROR)
        if verb:
            await _do(core, number, verb)
        if verb in ("", Course.LEAVE.value):
            await _show(core, number, console)
            return 0
        async with app.worked(core):
            names = await _names(core, number)
            ended = await terminal.follow(core.operations, number, console, names)
    wanted = {CANCEL: OperationState.CANCELLED, Course.UNDO.value: OperationState.UNDONE}
    return 0 if ended.state is wanted.get(verb, OperationState.DONE) else 1


async def _do(core: Core, number: int, verb: str) -> None:
    actor = f"os:{me()}"
    async with core.database.transaction() as tx:
        if verb == CANCEL:
            await core.operations.cancel(tx, number, actor=actor)
        else:
            await core.operations.choose(tx, number, Course(verb), actor=actor)


async def _show(core: Core, number: int, console: Console) -> None:
    found = await core.operations.get(number)
    waits = terminal.lines(Message("", view.awaiting(found)), await _names(core, number))
    tail = found.output or await core.operations.tail(found)
    verbs = join(list(_verbs(found)), "or")
    hint = f"opsbell operation {number} {verbs}" if verbs else ""
    for line in filter(None, [*terminal.shown(found), *waits, tail, hint]):
        console.print(Text(line), soft_wrap=True)


async def _names(core: Core, number: int) -> terminal.Names:
    """What those are called whom an operation's message mentions."""
    waits = Message("", view.awaiting(await core.operations.get(number)))
    return await names_of(core.client, terminal.mentioned(waits))


def _verbs(found: Operation) -> list[str]:
    """What can be done with an operation as it stands."""
    if found.state is OperationState.INTERRUPTED and found.course is Course.CHOOSE:
        return [verb for verb in VERBS if verb != CANCEL]
    return [] if found.state.final else [CANCEL]
