"""`opsbell operation N`: how an operation stands, and what can be done with it from here."""

from __future__ import annotations

import json
import logging
import os
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from bot import app, terminal
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import Core, opened
from bot.deploys.planning import RUNBOOK as DEPLOY
from bot.errors import NotFound, OpsbellError, Refused, UsageError
from bot.log import first_redact, set_up_logging
from bot.operations import outcome, standing
from bot.operations.model import Operation
from bot.operations.states import Course, OperationState
from bot.operations.view import who
from bot.os_user import me
from bot.restores.model import RUNBOOK as RESTORE
from bot.slack import blocks
from bot.slack.message import Message
from bot.slack.text_in import nearest
from bot.words import join

CANCEL = "cancel"
VERBS = (CANCEL, Course.RESUME.value, Course.UNDO.value, Course.LEAVE.value)

_NOT_DONE = {
    CANCEL: "Not cancelled",
    Course.RESUME.value: "Not resumed",
    Course.UNDO.value: "Not undone",
    Course.LEAVE.value: "Nothing to leave",
}


async def operation(config: Path, number: int, verb: str, *, as_json: bool = False) -> int:
    """Shows an operation, or does one of VERBS and follows what comes of it; the exit status.
    Where it is asked for as JSON, what happens meanwhile goes to standard error.

    Raises ConfigurationError, UsageError, NotFound, and Refused where it cannot be done any more.
    """
    if verb and verb not in VERBS:
        raise UsageError(f"operation does not know {verb}.", hint=nearest(verb, VERBS))
    settings = load(config, os.environ)
    secrets = SlackSecrets.for_terminal(os.environ)
    set_up_logging(first_redact(settings, secrets), logging.ERROR)
    async with opened(settings, secrets) as core, app.head_keeper(core).at_the_end():
        set_up_logging(core.redactor.redact, logging.ERROR)
        people = terminal.People(core.client)
        try:
            found = await _found(core, number)
            if verb:
                await _do(core, found, verb)
        except OpsbellError as error:
            await people.explain(error)
            raise
        console = Console(highlight=False, stderr=as_json)
        if verb in ("", Course.LEAVE.value):
            await _show(core, number, console, people, as_json=as_json)
            return 0
        async with app.worked(core, partial(typer.echo, err=True)):
            ended = await terminal.follow(core.operations, number, console, people)
    if as_json:
        typer.echo(_json(ended))
    wanted = {CANCEL: OperationState.CANCELLED, Course.UNDO.value: OperationState.UNDONE}
    return 0 if ended.state is wanted.get(verb, OperationState.DONE) else 1


async def _found(core: Core, number: int) -> Operation:
    try:
        return await core.operations.get(number)
    except NotFound as error:
        error.hint = "opsbell audit --since 7d names those of the last week."
        raise


async def _do(core: Core, found: Operation, verb: str) -> None:
    if verb not in _verbs(found):
        stands = standing.predicate(found)
        raise Refused(
            f"{_NOT_DONE[verb]}: operation {found.id}, {found.plan.title}, {stands}.",
            hint=_instead(found, verb),
        )
    actor = f"os:{me()}"
    async with core.database.transaction() as tx:
        if verb == CANCEL:
            await core.operations.cancel(tx, found.id, actor=actor)
        else:
            await core.operations.choose(tx, found.id, Course(verb), actor=actor)


async def _show(
    core: Core, number: int, console: Console, people: terminal.People, *, as_json: bool
) -> None:
    found = await core.operations.get(number)
    if as_json:
        typer.echo(_json(found))
        return
    asked = _asked(found)
    told = [
        *await terminal.shown(found, people),
        *await terminal.approvals(found, people),
        *terminal.lines(asked, await people.names(asked)),
        found.output or await core.operations.tail(found),
        _typed(found) if _verbs(found) else "",
    ]
    for line in filter(None, told):
        console.print(Text(line), soft_wrap=True)


def _json(found: Operation) -> str:
    return json.dumps({**outcome.as_data(found), "can": _verbs(found)}, indent=2)


def _asked(found: Operation) -> Message:
    """Who asked for it and when, and who has cancelled it."""
    parts = [f"Asked for by {who(found.asker)}, {blocks.day_and_time(found.requested)}"]
    if found.cancel_by:
        parts.append(f"cancelled by {who(found.cancel_by)}")
    return Message("", [blocks.context(" · ".join(parts))])


def _verbs(found: Operation) -> list[str]:
    """What can be done with an operation as it stands."""
    if found.state is OperationState.INTERRUPTED and found.course is Course.CHOOSE:
        return [verb for verb in VERBS if verb != CANCEL]
    waits_for_its_person = found.state is OperationState.PLANNED
    return [] if found.state.final or waits_for_its_person else [CANCEL]


def _typed(found: Operation) -> str:
    """What can be done with it, as it is typed."""
    return f"opsbell operation {found.id} {join(_verbs(found), 'or')}"


def _instead(found: Operation, verb: str) -> str:
    """What to do where a verb cannot be done."""
    if _verbs(found):
        return f"What can be done with it: {_typed(found)}."
    done = found.state is OperationState.DONE and not found.is_taken_back
    if verb == Course.UNDO and done:
        target = found.plan.target
        if found.plan.runbook == RESTORE:
            return f"To put back what a restore replaced: opsbell restore undo --target {target}."
        if found.plan.runbook == DEPLOY:
            return f"To go back: opsbell deploy rollback {found.id} --target {target}."
    if found.state is OperationState.PLANNED:
        return "Nothing of it has begun. It runs once who asked for it has confirmed it."
    return f"How it ended: opsbell operation {found.id}."
