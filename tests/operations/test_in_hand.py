"""How much is in hand: what people asked for and wait for, and nothing else."""

from __future__ import annotations

from bot.operations import in_hand_store
from bot.operations.states import OperationState
from tests.operations.house import House, plan

IDLE = {OperationState.RUNNING: 0, OperationState.QUEUED: 0, OperationState.AWAITING: 0}


async def counts(house: House) -> dict[OperationState, int]:
    async with house.database.transaction() as tx:
        return await in_hand_store.counts(tx)


async def put(house: House, number: int, state: str, expires: str = "null") -> None:
    """An operation in another state, as its run or its approvals would have left it."""
    await house.database.execute(
        f"update operations set state = '{state}', expires = {expires} where id = {number}"
    )


async def test_operations_count_until_they_have_ended(house: House) -> None:
    assert await counts(house) == IDLE
    first, _, third = [await house.request(plan(name)) for name in ("one", "two", "three")]
    assert await counts(house) == IDLE | {OperationState.QUEUED: 3}
    await put(house, first, "running")
    await put(house, third, "awaiting", "now() + interval '30 minutes'")
    assert await counts(house) == dict.fromkeys(IDLE, 1)
    # Nobody can approve it any more, although nothing has run that says so.
    await put(house, third, "awaiting", "now() - interval '1 minute'")
    await put(house, first, "done")
    assert await counts(house) == IDLE | {OperationState.QUEUED: 1}
    # A plan that was shown and not confirmed is nothing yet.
    await put(house, third, "planned", "now() + interval '30 minutes'")
    assert await counts(house) == IDLE | {OperationState.QUEUED: 1}
