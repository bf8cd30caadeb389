"""What each person has read: how far in each channel, and what is new to them there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bot.playground.changes import Changes
from bot.playground.message import Message, ts_key
from bot.playground.workspace import Channel, Workspace

MOST = 99  # nobody counts further
_EVERYBODY = ("<!here", "<!channel", "<!everyone")


@dataclass(frozen=True)
class Unread:
    """How many messages of a channel are new to a person, and how many of these call them."""

    messages: int = 0
    calls: int = 0


@dataclass(frozen=True)
class Read:
    """The change that is told of when a person has read on in a channel (both by ID)."""

    person: str
    channel: str


class ReadMarks:
    """Marks shared by all windows, kept in a file where one is given. At first all is unread."""

    def __init__(self, workspace: Workspace, changes: Changes, kept_in: Path | None = None) -> None:
        self._workspace = workspace
        self._changes = changes
        self._file = kept_in
        self._read = _recalled(kept_in) if kept_in is not None else {}

    def mark(self, person: str, channel: Channel) -> None:
        """The person has read everything that stands in the channel now."""
        newest = next(channel.history(), None)
        if newest is None or ts_key(newest.ts) <= self.position(person, channel):
            return
        self._read[person, channel.id] = ts_key(newest.ts)
        if self._file is not None:
            _keep(self._read, self._file)
        self._changes.publish(Read(person, channel.id))

    def position(self, person: str, channel: Channel) -> int:
        """The ts key of the last message read, -1 where none was."""
        return self._read.get((person, channel.id), -1)

    def unread(self, person: str, channel: Channel) -> Unread:
        """What is new to the person; in direct messages everything calls them."""
        new = list(self.new_messages(person, channel))
        calls = [each for each in new if channel.kind == "im" or self._calls(each, person)]
        return Unread(len(new), len(calls))

    def new_messages(self, person: str, channel: Channel) -> Iterator[Message]:
        """Top-level messages of others since the person last read, newest first, up to MOST."""
        since = channel.history(after=self.position(person, channel))
        return islice((message for message in since if message.user != person), MOST)

    def _calls(self, message: Message, person: str) -> bool:
        groups = [each.id for each in self._workspace.groups.values() if person in each.members]
        names = (f"<@{person}", *(f"<!subteam^{group}" for group in groups), *_EVERYBODY)
        return any(message.contains(name) for name in names)


def _keep(read: dict[tuple[str, str], int], file: Path) -> None:
    """Write the marks so that a kill at any moment leaves these or those before."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps([[*key, mark] for key, mark in read.items()]), "utf-8")
    new.replace(file)


def _recalled(file: Path) -> dict[tuple[str, str], int]:
    """The marks in the file; none where it cannot be understood, as they are no great loss."""
    try:
        known = json.loads(file.read_text("utf-8"))
        return {(str(person), str(channel)): int(mark) for person, channel, mark in known}
    except (FileNotFoundError, ValueError, TypeError):
        return {}
