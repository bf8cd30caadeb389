"""What a person sees come of their command or click."""

from __future__ import annotations

from dataclasses import dataclass

from bot.playground.message import Message


@dataclass(frozen=True)
class CommandOutcome:
    """What a person sees of their command.

    `seconds` runs from Enter to the ack. `error` is operation_timeout or dispatch_failed where
    no ack came, not_supported_in_threads or unknown_command where Slack itself refused, else the
    code for an ack that Slack could not show. `response` is the message in the ack, if any.
    """

    acked: bool
    seconds: float = 0.0
    error: str | None = None
    response: Message | None = None
    trigger_id: str = ""
    response_url: str = ""


@dataclass(frozen=True)
class ActionOutcome:
    """Whether the app acked a click or a choice, and how long that took.

    What stays on the screen (an input without dispatch_action, a declined confirmation) is not
    sent: `acked` is False and `error` None.
    """

    acked: bool = False
    seconds: float = 0.0
    error: str | None = None
