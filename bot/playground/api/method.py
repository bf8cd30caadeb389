"""What a Web API method is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.playground.backend import Backend
from bot.playground.errors import JSON
from bot.playground.wire import Args

Handler = Callable[[Backend, Args], JSON]


@dataclass(frozen=True)
class Method:
    """A method's name, what does it, its rate limit tier, the scope and kind of token it needs.

    `scopes` are alternatives; scopes that depend on the arguments are the handler's to check.
    `caller` is whose token it takes. A handler returns its answer without `ok`, or raises
    SlackError.
    """

    name: str
    handler: Handler
    tier: str
    scopes: tuple[str, ...] = ()
    caller: Literal["bot", "app", "anyone"] = "bot"
