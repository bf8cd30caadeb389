"""What `opsbell init` is told: by flags first, then by whoever sits at the terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import typer

from bot.config.words import nearest
from bot.errors import UsageError

T = TypeVar("T")

_ZONES = "zoneinfo/"


@dataclass(frozen=True)
class Flags:
    """The flags, "" where not given. `interactive` is whether anyone can be asked for the rest."""

    output: Path
    project: str = ""
    directory: str = ""
    target: str = ""
    admin: str = ""
    channel: str = ""
    timezone: str = ""
    mode: str = "socket"
    backups: str = ""
    force: bool = False
    interactive: bool = False


@dataclass(frozen=True)
class Question:
    """Something to know: the flag that tells it, the question, the default ("" for none)."""

    flag: str
    text: str
    default: str = ""
    hint: str = ""


def answer(question: Question, flags: Flags, accept: Callable[[str], T]) -> T:
    """What `accept` makes of the flag, of what was typed, or of the default.

    What `accept` refuses with a UsageError is asked for again, where somebody can be asked.
    Raises UsageError where nobody can.
    """
    given: str = getattr(flags, question.flag)
    if given or not flags.interactive:
        chosen = given or question.default
        if not chosen:
            raise UsageError(f"--{question.flag} is missing: {question.text}.", hint=question.hint)
        return accept(chosen)
    while True:
        typed = typer.prompt(question.text, default=question.default or None)
        try:
            return accept(str(typed).strip())
        except UsageError as error:
            typer.echo(str(error), err=True)


def time_zone(text: str) -> str:
    """A time zone's name. Raises UsageError where there is none of that name."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        meant = nearest(text, available_timezones())
        raise UsageError(
            f'"{text}" is no time zone{meant}.', hint="They are named as Europe/Berlin or UTC."
        ) from None
    return text


def own_time_zone(root: Path = Path("/")) -> str:
    """This machine's time zone, UTC where it does not say."""
    localtime = os.path.realpath(root / "etc/localtime")
    named = [os.environ.get("TZ", "").removeprefix(":"), localtime.partition(_ZONES)[2]]
    for name in filter(None, named):
        try:
            return time_zone(name)
        except UsageError:
            continue
    return "UTC"
