"""Whether an Opsbell works on a database, asked from outside of it."""

from __future__ import annotations

from bot.errors import Unavailable
from bot.store.queue import STALLED_AFTER
from bot.store.reach import connect

_ALIVE = """
select exists (
    select from procrastinate_workers where last_heartbeat > now() - %s
) as alive
"""


async def is_worked(url: str) -> bool:
    """Whether some process is alive that works off the jobs in this database; a database that is
    not there, or not Opsbell's, is not worked."""
    try:
        connection = await connect(url)
    except Unavailable:
        return False
    async with connection:
        found = await connection.execute("select to_regclass('procrastinate_workers') is not null")
        there = await found.fetchone()
        if there is None or not there[0]:
            return False
        alive = await (await connection.execute(_ALIVE, (STALLED_AFTER,))).fetchone()
        return bool(alive and alive[0])
