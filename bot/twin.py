"""A slash command's twin in the terminal: the same operations, locks and audit."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
import uuid
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from bot import app, terminal
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import opened
from bot.errors import UsageError
from bot.log import first_redact, set_up_logging
from bot.os_user import me
from bot.slack import present
from bot.slack.surface import Kind, Request


async def twin(config: Path, name: str, words: list[str], *, target: str, as_json: bool) -> int:
    """Does what the slash command does, as the operating system's user; the exit status.

    Raises ConfigurationError and what the command raises.
    """
    settings = load(config, os.environ)
    secrets = SlackSecrets.for_terminal(os.environ)
    set_up_logging(first_redact(settings, secrets), logging.ERROR)
    text = shlex.join(words) + (f" in:{shlex.quote(target)}" if target else "")
    request = Request(
        kind=Kind.COMMAND, key=f"terminal:{uuid.uuid4()}", name=name, user=f"os:{me()}", text=text
    )
    console = Console(highlight=False)
    async with opened(settings, secrets) as core:
        set_up_logging(core.redactor.redact, logging.ERROR)
        try:
            answer = await app.at_terminal(core, request)
        except UsageError as error:
            told = present.usage(app.surface_of(core).commands[name], request, error, "")
            for line in terminal.lines(told):
                typer.echo(line, err=True)
            return 2
        if answer is None:
            return 0
        operation = answer.data.get("operation")
        if operation is None:
            _show(console, answer.data, list(terminal.lines(answer.message)), as_json)
            if name == "checklist" and words[:1] == ["post"] and not await core.queue.is_worked():
                typer.echo("No Opsbell is running: Slack is told when one runs again.", err=True)
            return 0
        quiet = Console(file=sys.stderr) if as_json else console
        async with app.worked(core):
            ended = await terminal.follow(core.operations, operation, quiet)
        if as_json:
            _show(console, {**answer.data, "state": ended.state.value}, [], as_json)
        return 0 if ended.state.value == "done" else 1


def _show(console: Console, data: object, lines: list[str], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(data, indent=2, default=str))
        return
    for line in lines:
        console.print(Text(line), soft_wrap=True)
