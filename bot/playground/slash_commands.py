"""What the workspace knows of a slash command: what its composer offers as people type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class SlashCommand:
    """A registered command as the app's manifest declares it; `name` starts with a slash."""

    name: str
    description: str = ""
    usage_hint: str = ""


def by_name(commands: Iterable[str | SlashCommand]) -> dict[str, SlashCommand]:
    """The commands by name; a bare name is a command of which nothing else is known."""
    known = [each if isinstance(each, SlashCommand) else SlashCommand(each) for each in commands]
    return {command.name: command for command in known}
