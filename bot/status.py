"""How Opsbell itself is, as `/opsbell status` and `opsbell status` say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from bot import words
from bot.operations.states import OperationState
from bot.slack.blocks import day_and_time, escape, section
from bot.slack.gateway import GatewayStatus
from bot.slack.message import Block, Message
from bot.words import Sign

_SHOWN = 5

_NOBODY = "No Opsbell is running: nothing begins, ends or is posted by itself until one does."
_NOT_CONNECTED = "Opsbell is not connected to Slack. `opsbell check` says why."


@dataclass(frozen=True)
class Status:
    """How Opsbell is.

    `gateway` is how it is connected to Slack, None where that is not known. `operations` are those
    in hand, by their state; `messages` how many Slack does not show as they should be. `troubles`
    are sentences on what keeps messages waiting; `upcoming` is name and time, soonest first.
    """

    running: bool
    gateway: GatewayStatus | None
    operations: Mapping[OperationState, int]
    messages: int
    troubles: Sequence[str]
    upcoming: Sequence[tuple[str, datetime]]

    @property
    def warnings(self) -> list[str]:
        """All that somebody should see to."""
        own = [self.gateway.trouble] if self.gateway and self.gateway.trouble else []
        return [*own, *self.troubles]

    @property
    def word(self) -> str:
        """The whole in a word: `ok`, `trouble`, `running` where that is all that is known."""
        if not self.running:
            return "not running"
        if self.warnings:
            return "trouble"
        return "ok" if self.gateway else "running"


def from_outside(said: Mapping[str, Any] | None) -> GatewayStatus | None:
    """The connection of another process, as its HTTP server says it; None for anything else."""
    match said:
        case {
            "mode": str(mode),
            "ready": bool(ready),
            "sockets": int(sockets),
            "last_payload": None | int() | float() as age,
        }:
            return GatewayStatus(mode, ready, sockets, age, "" if ready else _NOT_CONNECTED)
    return None


def message(status: Status, now: datetime) -> Message:
    """Version, connection, queue, what is wrong, what comes next."""
    title = f"{_sign(status)} Opsbell {version('opsbell')} · {status.word}"
    lines = [f"Slack: {_connection(status.gateway)}"] if status.running else [_NOBODY]
    lines.append(f"Queue: {_in_hand(status)}")
    blocks = [
        section(f"*{title}*"),
        section("\n".join(lines)),
        *(section(f"{Sign.WARNING} {escape(each)}") for each in status.warnings[:_SHOWN]),
        *coming(status.upcoming, now, "Next" if status.running else "Next, once one runs"),
    ]
    return Message(f"{title}. {lines[0].rstrip('.')}.", blocks)


def coming(upcoming: Sequence[tuple[str, datetime]], now: datetime, title: str) -> list[Block]:
    """What the clock does next; nothing where it has nothing to do."""
    lines = [
        f"{day_and_time(at)} {escape(name)}, in {words.duration(at - now)}"
        for name, at in upcoming[:_SHOWN]
    ]
    return [section(f"*{title}*\n" + "\n".join(lines))] if lines else []


def as_data(status: Status) -> dict[str, Any]:
    """The same for a script; `slack` is null where its connection is not known."""
    gateway = status.gateway
    return {
        "version": version("opsbell"),
        "status": status.word,
        "running": status.running,
        "slack": {
            "mode": gateway.mode,
            "connected": gateway.ready,
            "sockets": gateway.sockets,
            "last_heard_seconds": gateway.last_payload,
        }
        if gateway
        else None,
        "queue": {
            **{state.value: many for state, many in status.operations.items()},
            "messages": status.messages,
        },
        "troubles": status.warnings,
        "next": [{"name": name, "at": at.isoformat()} for name, at in status.upcoming],
    }


def _sign(status: Status) -> Sign:
    signs = {"not running": Sign.OPEN, "trouble": Sign.WARNING, "running": Sign.RUNNING}
    return signs.get(status.word, Sign.DONE)


def _connection(gateway: GatewayStatus | None) -> str:
    if gateway is None:
        return "not known from here, nothing answers on http.listen"
    way = words.count(gateway.sockets, "socket") if gateway.mode == "socket" else "HTTP"
    if gateway.last_payload is None:
        return f"{way}, nothing heard yet"
    return f"{way}, last heard {words.duration(gateway.last_payload)} ago"


def _in_hand(status: Status) -> str:
    """What people asked for or wait for, in words."""
    said = {
        OperationState.RUNNING: "running",
        OperationState.QUEUED: "waiting",
        OperationState.AWAITING: "waiting for approval",
    }
    told = [
        f"{words.count(status.operations[state], 'operation')} {stands}"
        for state, stands in said.items()
        if status.operations[state]
    ]
    if status.messages:
        told.append(f"{words.count(status.messages, 'message')} waiting for Slack")
    return ", ".join(told) or "nothing waits or runs"
