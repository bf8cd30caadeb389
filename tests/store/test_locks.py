"""Locks that outlive an outage of the database, on the real PostgreSQL."""

import asyncio

import pytest

from bot.cancelling import end
from bot.store.database import Database
from bot.store.locks import held_lock, kept_lock, lock_number

CUT = """
    select pg_terminate_backend(pid) from pg_locks
    where locktype = 'advisory' and granted and (classid::bigint << 32) | objid::bigint = %s"""

HELD = """
    select from pg_locks
    where locktype = 'advisory' and granted and (classid::bigint << 32) | objid::bigint = %s"""

WAITED_FOR = """
    select from pg_locks
    where locktype = 'advisory' and not granted and (classid::bigint << 32) | objid::bigint = %s"""


@pytest.mark.parametrize("still_mine", [True, False])
async def test_a_lock_that_somebody_else_had_meanwhile_is_asked_about(
    database: Database, still_mine: bool
) -> None:
    entered, took, asked = asyncio.Event(), asyncio.Event(), asyncio.Event()
    may_free = asyncio.Event()

    async def ask() -> bool:
        asked.set()
        return still_mine

    async def work() -> None:
        async with kept_lock(database.url, "one", still_mine=ask):
            entered.set()
            await asyncio.sleep(3600)

    async def other() -> None:
        async with held_lock(database.url, "one"):
            took.set()
            await may_free.wait()

    working = asyncio.create_task(work())
    await asyncio.wait_for(entered.wait(), 20)
    waiting = asyncio.create_task(other())
    try:
        async with asyncio.timeout(20):
            while not await database.all(WAITED_FOR, (lock_number("one"),)):
                await asyncio.sleep(0.05)
            await database.execute(CUT, (lock_number("one"),))
            await took.wait()
        assert not asked.is_set()
        may_free.set()
        await asyncio.wait_for(asked.wait(), 20)
        if still_mine:
            assert await database.all(HELD, (lock_number("one"),))
            assert not working.done()
        else:
            await asyncio.wait({working}, timeout=20)
            assert working.cancelled()
    finally:
        await end([working, waiting])
