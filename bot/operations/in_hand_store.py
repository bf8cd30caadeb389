"""The SQL of how much is in hand: operations that people asked for and that have not ended."""

from __future__ import annotations

from bot.operations.states import OperationState
from bot.store.database import Transaction


async def counts(tx: Transaction) -> dict[OperationState, int]:
    """How many operations run, wait to run and wait for approval."""
    rows = await tx.all(
        "select state, count(*) as many from operations where state in ('queued', 'running')"
        " or state = 'awaiting' and expires > now() group by state"
    )
    found = {OperationState(row["state"]): int(row["many"]) for row in rows}
    listed = (OperationState.RUNNING, OperationState.QUEUED, OperationState.AWAITING)
    return {state: found.get(state, 0) for state in listed}
