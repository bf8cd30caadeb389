"""`opsbell audit` and `opsbell audit verify`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from bot.audit import view
from bot.audit.service import MOST, Audit
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.config.settings import Settings
from bot.config.values import parse_duration
from bot.core import Core, opened
from bot.errors import Failed, OpsbellError, UsageError
from bot.log import first_redact, set_up_logging
from bot.slack.directory import people_called
from bot.slack.text_in import nearest
from bot.terminal import People

DEFAULT_SINCE = "1d"


async def audit(
    config: Path, words: Sequence[str], *, since: str, user: str, target: str, as_json: bool
) -> int:
    """Does what was asked for; the exit status. Raises ConfigurationError and other errors."""
    if words not in ([], ["verify"]):
        raise UsageError(f"audit does not know {words[0]}.", hint=nearest(words[0], ["verify"]))
    if words and (since or user or target):
        raise UsageError("audit verify looks at the whole log: leave the options out.")
    settings = load(config, os.environ)
    if target and target not in settings.targets:
        raise UsageError(
            f"There is no target called {target}.", hint=nearest(target, settings.targets)
        )
    begin = moment(since or DEFAULT_SINCE)
    secrets = SlackSecrets.for_terminal(os.environ)
    set_up_logging(first_redact(settings, secrets), logging.ERROR)
    if words:
        _look_for_the_key(settings)
    async with opened(settings, secrets) as core:
        set_up_logging(core.redactor.redact, logging.ERROR)
        audit = Audit(core.database, settings.data)
        if words:
            found = await audit.verify()
            typer.echo(
                json.dumps(view.verdict_data(found), indent=2) if as_json else view.verdict(found)
            )
            return 0 if found.whole else 1
        actor = await _actor(core, user)
        newest = await audit.events(since=begin, actor=actor, target=target, limit=MOST + 1)
        events = newest[-MOST:]
        people = {person for each in events for person in view.people(each)}
        names = await People(core.client).of(people)
    if len(newest) > MOST:
        typer.echo(f"Only the newest {MOST:,} events are shown, of more since then.", err=True)
    redact = core.redactor.redact
    if as_json:
        typer.echo(json.dumps([view.as_data(each, names, redact) for each in events], indent=2))
        return 0
    console = Console(highlight=False)
    if console.is_terminal and events:
        console.print(view.table(events, names, redact))
        return 0
    for each in events:
        console.print(Text(view.line(each, names, redact)), soft_wrap=True)
    if not events:
        typer.echo(f"Nothing since {begin:%Y-%m-%d %H:%M}.", err=True)
    return 0


def moment(text: str, now: datetime | None = None) -> datetime:
    """The time that `7d`, `2026-11-22` or `2026-11-22T14:00` means here. Raises UsageError."""
    with contextlib.suppress(ValueError, OverflowError):
        return (now or datetime.now().astimezone()) - (parse_duration(text) or timedelta())
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(text).astimezone()
    raise UsageError(f"--since takes a time such as 7d, 12h or 2026-11-22, not {text[:30]}.")


def _look_for_the_key(settings: Settings) -> None:
    """Opening would make a new key, with which nothing fits."""
    key = settings.data / "audit.key"
    if not key.exists():
        raise Failed(
            f"{key} is missing, so the event log cannot be verified.",
            hint="Restore it from a backup of the data directory.",
        )


async def _actor(core: Core, user: str) -> str:
    """How the log names someone given by ID, by `os:NAME`, or by the name in Slack."""
    if not user or user == "opsbell" or user.startswith(("os:", "slack:")):
        return user
    if user[0] in "UW" and user.isalnum() and user.isupper():
        return f"slack:{user}"
    try:
        found = await people_called(core.client, user)
    except OpsbellError as error:
        error.hint = f"Who is called {user} only Slack knows: give the user ID (U…)."
        raise
    if len(found) != 1:
        many = "several people are" if found else "nobody is"
        raise UsageError(f"In Slack, {many} called {user}.", hint="Give the user ID (U…).")
    return f"slack:{found[0].id}"
