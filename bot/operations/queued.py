"""What a person hears whose operation was queued: its number, and what it waits for."""

from __future__ import annotations

import re

from bot import words
from bot.operations import lock_store, store
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.operations.view import lock_line
from bot.slack import blocks
from bot.slack.message import Message
from bot.store.database import Transaction

_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{8,}")


async def queued(tx: Transaction, number: int, what: str, channel: str) -> Message:
    """The answer about `what` (mrkdwn) that was just asked for; `channel` is where its message is.

    Raises NotFound.
    """
    operation = await store.get(tx, number)
    if operation.state is OperationState.AWAITING:
        sentence = f"{what} waits for approval as operation {number}"
    else:
        sentence = f"{what} is queued as operation {number}{await _held_up(tx, operation)}"
    return Message(f"{sentence}. {followed(channel)}")


def followed(channel: str) -> str:
    """Where an operation's message is, as a sentence of mrkdwn."""
    where = f"<#{channel}>" if _CHANNEL_ID.fullmatch(channel) else f"#{channel}"
    return f"It is followed in {where}."


async def _held_up(tx: Transaction, operation: Operation) -> str:
    target = operation.plan.target
    lock = await lock_store.get(tx, target)
    if lock and lock.keeps_out(operation.wanted_by):
        line = lock_line(lock)
        return f": {line[0].lower()}{line[1:].rstrip('.')}"
    earlier = [one for one in await store.unfinished(tx, target) if one.id < operation.id]
    before = words.join([f"{one.plan.title} (operation {one.id})" for one in earlier])
    return f" behind {blocks.escape(before)}" if before else ""
