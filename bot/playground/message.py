"""A message as one frozen version: an edit makes a new version that remembers the old one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bot.playground.errors import JSON
from bot.playground.visible import visible_texts

_TS = re.compile(r"^(\d{1,12})(?:\.(\d{1,6}))?$")


def ts_key(ts: str) -> int:
    """A ts as microseconds since the epoch, for ordering. Raises ValueError if malformed."""
    found = _TS.match(ts)
    if not found:
        raise ValueError(f"not a ts: {ts!r}")
    return int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0"))


@dataclass(frozen=True, eq=False)
class Message:
    """One version of one message.

    `channel` is the channel's ID; `ts` is unique in the workspace and never changes;
    `ephemeral_for` is the one person who sees it, or None for an ordinary message.
    """

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    metadata: JSON | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    username: str | None = None
    ephemeral_for: str | None = None
    edited: JSON | None = None
    reactions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[JSON, ...] = ()
    previous: Message | None = field(default=None, repr=False)

    @cached_property
    def plain(self) -> str:
        """All visible text of the blocks, one piece a line; without blocks, the text."""
        if not self.blocks:
            return self.text
        return "\n".join(visible_texts(self.blocks))

    @property
    def history(self) -> list[Message]:
        """Earlier versions, oldest first."""
        return list(self._earlier())[::-1]

    @property
    def edited_count(self) -> int:
        """How many times the message has been updated."""
        return sum(1 for _ in self._earlier())

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def contains(self, text: str) -> bool:
        """Whether `text` is part of what the message says, in its text or its blocks."""
        return text in self.text or text in self.plain

    def next_version(self, **changes: Any) -> Message:
        """The message after an edit."""
        return replace(self, previous=self, **changes)

    def _earlier(self) -> Iterator[Message]:
        version = self.previous
        while version is not None:
            yield version
            version = version.previous
