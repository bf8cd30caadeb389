"""A slash command's twin in the terminal: the same operations, locks and audit."""

from __future__ import annotations

import json
import logging
import os
import sys
import uuid
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from bot import app, terminal
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import Core, opened
from bot.errors import OpsbellError, UsageError
from bot.log import first_redact, set_up_logging
from bot.operations import outcome
from bot.operations.plan import Confirm
from bot.operations.states import OperationState
from bot.os_user import me
from bot.slack import present
from bot.slack.surface import Answer, Kind, Request
from bot.slack.text_in import clean, joined
from bot.store.database import Transaction

_NOT_DONE = {"restore": "Not restored", "deploy": "Not deployed"}


@dataclass(frozen=True)
class Wishes:
    """What was asked for beside the words. `yes` confirms the plan without asking; `break_glass`
    is the reason for not waiting for approvals, "" to wait."""

    target: str = ""
    yes: bool = False
    break_glass: str = ""
    as_json: bool = False


async def twin(config: Path, name: str, words: list[str], wishes: Wishes) -> int:
    """Does what the slash command does, as the operating system's user; the exit status.

    Raises ConfigurationError and what the command raises.
    """
    settings = load(config, os.environ)
    secrets = SlackSecrets.for_terminal(os.environ)
    set_up_logging(first_redact(settings, secrets), logging.ERROR)
    words = [_without_dashes(word) for word in words]
    text = joined([*words, *([f"in:{wishes.target}"] if wishes.target else [])])
    request = Request(
        kind=Kind.COMMAND, key=f"terminal:{uuid.uuid4()}", name=name, user=f"os:{me()}", text=text
    )
    async with opened(settings, secrets) as core, app.head_keeper(core).at_the_end():
        set_up_logging(core.redactor.redact, logging.ERROR)
        people = terminal.People(core.client)
        try:
            return await _do(core, request, words, wishes, people)
        except OpsbellError as error:
            await people.explain(error)
            raise


def _without_dashes(word: str) -> str:
    """A word that a phone has given a dash for its `--`, as in Slack; any other is as the shell
    has read it. What stands in angle brackets is not Slack's here."""
    return clean(escape(word, quote=False)) if word.startswith(("—", "–")) else word


async def _do(
    core: Core, request: Request, words: list[str], wishes: Wishes, people: terminal.People
) -> int:
    try:
        answer = await app.at_terminal(core, request)
    except UsageError as error:
        command = app.terminal_surface(core).commands[request.name]
        told = present.usage(command, request, error, "")
        for line in terminal.lines(told):
            typer.echo(line, err=True)
        return 2
    return await _Answered(core, request, words, wishes, people).go_on(answer) if answer else 0


class _Answered:
    """What follows the answer: a plan is confirmed, an operation followed to its end."""

    def __init__(
        self,
        core: Core,
        request: Request,
        words: list[str],
        wishes: Wishes,
        people: terminal.People,
    ) -> None:
        self._core = core
        self._people = people
        self._request = request
        self._words = words
        self._wishes = wishes
        self._console = Console(highlight=False)
        self._quiet = Console(file=sys.stderr, highlight=False) if wishes.as_json else self._console

    @property
    def _not_done(self) -> str:
        return _NOT_DONE.get(self._request.name, "Not run")

    async def go_on(self, answer: Answer) -> int:
        """The exit status, once all is done that was asked for."""
        if planned := answer.data.get("planned"):
            await self._print(self._quiet, answer)
            if not self._is_confirmed(answer):
                typer.echo(f"{self._not_done}. Nothing was changed.", err=True)
                return 1
            return await self._follow(await self._confirm(planned, answer), answer)
        if operation := answer.data.get("operation"):
            async with self._core.database.transaction() as tx:
                await self._break_glass(tx, operation)
            return await self._follow(operation, answer)
        await self._print(self._console, answer, as_json=self._wishes.as_json)
        asks_slack = (self._request.name, self._words[:1]) == ("checklist", ["post"])
        if asks_slack and not await self._core.queue.is_worked():
            typer.echo("No Opsbell is running: Slack is told when one runs again.", err=True)
        await self._say_what_waits()
        return 0

    def _is_confirmed(self, answer: Answer) -> bool:
        confirm = Confirm(answer.data["confirm"])
        if self._wishes.yes or confirm is Confirm.NONE:
            return True
        if not sys.stdin.isatty():
            raise UsageError(
                f"{self._not_done}: the plan is to be confirmed, and nobody is there to ask."
                " Nothing was changed.",
                hint="Add --yes to run it.",
            )
        if confirm is Confirm.NAME:
            target = answer.data["target"]
            typed: str = typer.prompt(f"To confirm, type {target}", err=True)
            return typed.strip() == str(target)
        return bool(typer.confirm("Run it?", err=True))

    async def _confirm(self, planned: int, answer: Answer) -> int:
        async with self._core.database.transaction() as tx:
            await self._core.operations.confirm(
                tx, planned, actor=self._request.actor, typed=answer.data["target"]
            )
            await self._break_glass(tx, planned)
        return planned

    async def _break_glass(self, tx: Transaction, number: int) -> None:
        if reason := self._wishes.break_glass:
            await self._core.operations.approvals.break_glass(
                tx, number, actor=self._request.actor, reason=reason
            )

    async def _say_what_waits(self) -> None:
        """A maintenance begins and ends by itself only where an Opsbell runs."""
        later = self._words[:1] in (["on"], ["schedule"], ["extend"])
        if self._request.name != "maintenance" or not later:
            return
        if not await self._core.queue.is_worked():
            told = "No Opsbell is running: nothing begins or ends by itself until one does."
            typer.echo(told, err=True)

    async def _say_who_asks(self, number: int) -> None:
        """Approvals are asked for in Slack, by an Opsbell that runs."""
        operation = await self._core.operations.get(number)
        waits = operation.state is OperationState.AWAITING
        if waits and not await self._core.queue.is_worked():
            typer.echo("No Opsbell is running: nobody is asked until one does.", err=True)

    async def _follow(self, number: int, answer: Answer) -> int:
        await self._say_what_waits()
        await self._say_who_asks(number)
        async with app.worked(self._core, partial(typer.echo, err=True)):
            ended = await terminal.follow(self._core.operations, number, self._quiet, self._people)
        if self._wishes.as_json:
            said = {**answer.data, **outcome.as_data(ended)}
            typer.echo(json.dumps(said, indent=2, default=str))
        return 0 if ended.state is OperationState.DONE else 1

    async def _print(self, console: Console, answer: Answer, *, as_json: bool = False) -> None:
        if as_json:
            typer.echo(json.dumps(answer.data, indent=2, default=str))
            return
        names = await self._people.names(answer.message)
        for line in terminal.lines(answer.message, names):
            console.print(Text(line), soft_wrap=True)
