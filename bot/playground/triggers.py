"""Trigger IDs: good for one use within three seconds."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.errors import SlackError

LIFETIME = 3.0  # seconds


@dataclass
class Trigger:
    """What a trigger ID stands for: who acted, when, and in which view if in one."""

    user: str
    view_id: str | None
    made: float
    is_used: bool = False


class Triggers:
    """All trigger IDs ever handed out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}

    def new(self, user: str, view_id: str | None = None) -> str:
        """A fresh trigger ID such as 123.456.abcdef."""
        number = len(self._triggers) + 1
        trigger_id = f"{number}.{int(self._clock())}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, view_id, self._clock())
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use the trigger up.

        Raises SlackError: invalid_trigger_id, exchanged_trigger_id or expired_trigger_id.
        """
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.is_used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() - trigger.made > LIFETIME:
            raise SlackError("expired_trigger_id")
        trigger.is_used = True
        return trigger
