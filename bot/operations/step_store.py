"""The SQL of the steps of operations: how far each is, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from bot.operations.model import LEFT
from bot.operations.states import StepState
from bot.store.database import Transaction
from bot.targets.text import visible


async def begin_step(tx: Transaction, number: int, position: int) -> None:
    """→ running."""
    await tx.execute(
        "update steps set state = 'running', started = now(), finished = null, note = ''"
        " where operation = %s and position = %s",
        (number, position),
    )


async def tell_progress(
    tx: Transaction, number: int, position: int, note: str, share: float | None
) -> None:
    """What a running step says of itself."""
    await tx.execute(
        "update steps set note = %s, share = %s where operation = %s and position = %s",
        (visible(note), share, number, position),
    )


async def end_step(
    tx: Transaction,
    number: int,
    position: int,
    state: StepState,
    *,
    note: str,
    result: Mapping[str, Any],
) -> bool:
    """→ a final state of the step; False where it was in that already."""
    rows = await tx.execute(
        "update steps set state = %s, finished = now(), note = %s, share = null, result = %s"
        " where operation = %s and position = %s and state <> %s",
        (state.value, visible(note), Jsonb(dict(result)), number, position, state.value),
    )
    return rows == 1


async def mark_step(tx: Transaction, number: int, position: int, state: StepState) -> None:
    """→ a state, leaving all else that is known of the step; but what the note of one that is
    undone says is so no more."""
    await tx.execute(
        "update steps set state = %s, share = null,"
        " note = case when %s = 'undone' then '' else note end,"
        " finished = case when started is null then null else coalesce(finished, now()) end"
        " where operation = %s and position = %s",
        (state.value, state.value, number, position),
    )


async def reopen_step(tx: Transaction, number: int, position: int) -> None:
    """done → open: what it was for is not so any more."""
    await tx.execute(
        "update steps set state = 'open', started = null, finished = null, note = ''"
        " where operation = %s and position = %s",
        (number, position),
    )


async def keep_left(tx: Transaction, number: int, position: int, left: str) -> None:
    """Keeps beside a step's result what its undo says of how things are since."""
    await tx.execute(
        "update steps set result = result || %s where operation = %s and position = %s",
        (Jsonb({LEFT: visible(left)}), number, position),
    )
