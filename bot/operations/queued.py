"""What a person hears whose operation was queued: its number, and what it was queued behind.

Nobody changes these answers later, so they say what happened and where it is followed: nothing
that will be so no more.
"""

from __future__ import annotations

import re

from bot import words
from bot.operations import lock_store, store
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.operations.view import who
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
        sentence = f"{what} is operation {number}, which begins once it is approved"
    else:
        sentence = f"{what} was queued as operation {number}{await _held_up(tx, operation)}"
    return Message(f"{sentence}. {followed(channel)}")


def followed(channel: str) -> str:
    """Where an operation's message is, as a sentence of mrkdwn."""
    where = f"<#{channel}>" if _CHANNEL_ID.fullmatch(channel) else f"#{channel}"
    return f"It is followed in {where}."


async def _held_up(tx: Transaction, operation: Operation) -> str:
    target = operation.plan.target
    lock = await lock_store.get(tx, target)
    if lock and lock.keeps_out(operation.wanted_by):
        since = blocks.moment(lock.since, "{date_short_pretty} {time}")
        kept = f"{who(lock.holder)} had locked {blocks.escape(target)} {since}"
        return f"; {kept}: {blocks.literal(lock.reason).rstrip('.')}"
    earlier = [one for one in await store.unfinished(tx, target) if one.id < operation.id]
    before = words.join([f"{one.plan.title} (operation {one.id})" for one in earlier])
    return f" behind {blocks.escape(before)}" if before else ""
