"""Targets that someone keeps: what the channel hears, and who decides about interrupted work."""

from __future__ import annotations

import pytest

from bot.errors import Refused
from bot.operations.model import Operation, TargetLock
from bot.operations.states import Course, OperationState
from tests.operations.house import ALICE, BOB, CAROL, House
from tests.operations.test_recovery import cut_off, deploy

KEPT = "the mails are moved"
HELD = rf"grandvps is locked by <@U0BOB00001> \(.+\): {KEPT}\."


@pytest.fixture
async def interrupted(house: House) -> Operation:
    """Alice's deploy, cut off at a step."""
    return await cut_off(house, deploy(), "up")


async def lock(house: House, actor: str = BOB, reason: str = KEPT) -> None:
    """Somebody keeps the target."""
    async with house.database.transaction() as tx:
        await house.operations.locks.take(tx, "grandvps", actor=actor, reason=reason)


async def unlock(house: House, actor: str, *, steal: bool = False) -> None:
    """Somebody lets it go."""
    held = await seen(house)
    async with house.database.transaction() as tx:
        await house.operations.locks.free(tx, held, actor=actor, steal=steal)


async def seen(house: House) -> TargetLock:
    """The lock as it is now."""
    async with house.database.transaction() as tx:
        held = await house.operations.locks.get(tx, "grandvps")
    assert held
    return held


async def choose(house: House, number: int, course: Course, actor: str) -> None:
    """What somebody chooses for an interrupted operation."""
    async with house.database.transaction() as tx:
        await house.operations.choose(tx, number, course, actor=actor)


async def told(house: House) -> list[str]:
    """What the channel reads of locks, the oldest first."""
    query = "select message::text as text from posts where key like 'lock:%' order by seq"
    return [row["text"] for row in await house.database.all(query)]


async def test_the_channel_hears_of_a_lock_and_of_its_end_in_one_message(house: House) -> None:
    await lock(house)
    (message,) = await told(house)
    assert "grandvps is locked" in message
    assert "Locked by <@U0BOB00001>" in message
    await lock(house, reason="the mails and the files are moved")
    (message,) = await told(house)
    assert "the mails and the files" in message
    await unlock(house, BOB)
    (message,) = await told(house)
    assert "grandvps is unlocked again" in message
    assert "the mails and the files" in message


async def test_who_loses_a_lock_is_told_by_whom_and_what_it_was_for(house: House) -> None:
    await lock(house)
    await unlock(house, CAROL, steal=True)
    over, stolen = await told(house)
    assert "Unlocked by <@U0CAROL001>" in over
    assert "<@U0BOB00001>: <@U0CAROL001> has taken away your lock" in stolen
    assert KEPT in stolen


async def test_only_the_lock_that_was_looked_at_is_freed(house: House) -> None:
    await lock(house)
    looked_at = await seen(house)
    await unlock(house, BOB)
    await lock(house, CAROL, "the next one")
    with pytest.raises(Refused, match="no longer locked as it was shown"):
        async with house.database.transaction() as tx:
            await house.operations.locks.free(tx, looked_at, actor=ALICE, steal=True)
    assert (await seen(house)).reason == "the next one"


async def test_who_may_not_have_a_lock_reads_whose_it_is_since_when_and_why(house: House) -> None:
    await lock(house)
    await house.database.execute("update target_locks set since = since - interval '90 minutes'")
    told = r"grandvps is locked by <@U0BOB00001> \(1 h 30 min ago\): the mails are moved\."
    with pytest.raises(Refused, match=f"^Not locked: {told} Who holds it can unlock it"):
        await lock(house, ALICE, "mine")
    with pytest.raises(Refused, match=f"^Not unlocked: {told} Who holds it can unlock it"):
        await unlock(house, ALICE)
    assert (await seen(house)).reason == KEPT


@pytest.mark.parametrize("course", [Course.RESUME, Course.UNDO, Course.LEAVE])
async def test_who_is_kept_out_decides_nothing(
    house: House, interrupted: Operation, course: Course
) -> None:
    await lock(house)
    with pytest.raises(Refused, match=rf"^Not done: {HELD}"):
        await choose(house, interrupted.id, course, ALICE)
    operation = await house.operations.get(interrupted.id)
    assert (operation.state, operation.course) == (OperationState.INTERRUPTED, Course.CHOOSE)


async def test_the_holder_decides_about_another_persons_operation(
    house: House, interrupted: Operation
) -> None:
    await lock(house)
    await choose(house, interrupted.id, Course.RESUME, BOB)
    await house.operations._engine.run(interrupted.id)
    assert (await house.operations.get(interrupted.id)).state is OperationState.DONE


async def test_what_was_chosen_waits_for_a_lock_that_was_taken_since(
    house: House, interrupted: Operation
) -> None:
    await choose(house, interrupted.id, Course.UNDO, CAROL)
    await lock(house, ALICE)
    await house.operations._engine.run(interrupted.id)
    assert (await house.operations.get(interrupted.id)).state is OperationState.QUEUED
    await unlock(house, ALICE)
    await house.operations._engine.run(interrupted.id)
    assert (await house.operations.get(interrupted.id)).state is OperationState.UNDONE
