"""Two databases change places under a name, in one transaction.

Renaming needs the name for itself. The first rename of the transaction takes the server's lock on
the old database: whoever wants to connect waits, and is let in to the new one after the commit (a
session that waited is told that the database was renamed and connects anew). While that lock is
held, and only then, a second session ends the sessions that are in. So no state is ever committed
in which connections are refused: whatever dies, the server rolls back to the old names or has the
new ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.cancelling import end
from bot.errors import Failed
from bot.restores.server import Server
from bot.targets.waiting import to_the_end

_LIMIT = timedelta(seconds=40)

# PostgreSQL itself waits 5 s for sessions to leave a database that is renamed.
_RENAME = r"""
set lock_timeout = '5s';
set statement_timeout = '15s';
set idle_in_transaction_session_timeout = '5s';
begin;
select format('alter database %I rename to %I', :'name', :'aside') where :'aside' <> '' \gexec
select format('alter database %I rename to %I', :'incoming', :'name') \gexec
commit;
"""

# pg_locks tells who holds the name; nothing is ended before that, and nothing after. Sessions that
# may not be ended make the rename fail; workers of the server's own end by themselves.
_END_SESSIONS = r"""
select set_config('opsbell.databases', :'oids', false) \g /dev/null
do $$
declare
    wanted oid[] := current_setting('opsbell.databases')::oid[];
    held boolean := false;
begin
    for round in 1..600 loop
        if exists (select from pg_catalog.pg_locks where locktype = 'object' and granted
                and classid = 'pg_catalog.pg_database'::regclass and objid = any (wanted)
                and mode = 'AccessExclusiveLock') then
            held := true;
            perform pg_catalog.pg_stat_clear_snapshot();
            perform pg_catalog.pg_terminate_backend(pid)
            from pg_catalog.pg_stat_activity where datid = any (wanted)
                and pg_catalog.pg_has_role(usesysid, 'usage');
        else
            exit when held;
        end if;
        perform pg_catalog.pg_sleep(0.02);
    end loop;
end$$;
"""

_NAMES = (
    "select oid::bigint, datname, datallowconn from pg_catalog.pg_database"
    " where oid = any (:'oids'::oid[]) or datname = :'name'"
)


@dataclass(frozen=True)
class Swap:
    """The database `incoming` takes the `name` of the `live` one, which is called `aside` then.

    Databases are known by their oid. `live` is None where nothing bears the name.
    """

    name: str
    live: int | None
    aside: str
    incoming: int
    incoming_name: str

    @property
    def back(self) -> Swap:
        """The reverse of it."""
        if self.live is None:
            raise ValueError("there is nothing to swap back to")
        return Swap(self.name, self.incoming, self.incoming_name, self.live, self.aside)


async def swapped(server: Server, swap: Swap) -> bool:
    """Whether the swap has happened. Raises Failed where neither of the two bears the name:
    somebody else has renamed or removed databases."""
    names = await _names(server, swap)
    holder = next((oid for oid, name in names.items() if name == swap.name), None)
    if holder == swap.incoming:
        return True
    if holder == swap.live:
        return False
    said = ", ".join(f"{name} ({oid})" for oid, name in sorted(names.items()))
    raise Failed(
        f"{swap.name} is neither the old database nor the restored one."
        f" There is {said or 'neither of them'}.",
        hint="Somebody else has renamed or removed databases. Nothing was changed.",
    )


async def exchange(server: Server, swap: Swap) -> None:
    """Swaps the names, whoever is connected, and proves it. Raises Failed where the server did not;
    then everything is named as before."""
    oids = [swap.incoming] + ([swap.live] if swap.live else [])
    ending = asyncio.create_task(
        server.ask(
            "Ending the sessions",
            _END_SESSIONS,
            values={"oids": _array(oids)},
            limit=_LIMIT,
        )
    )
    values = {
        "name": swap.name,
        "aside": swap.aside if swap.live else "",
        "incoming": swap.incoming_name,
    }
    try:
        # Once it is under way it is not to be cut off: its outcome would not be known.
        await to_the_end(server.ask("Swapping the databases", _RENAME, values=values, limit=_LIMIT))
    finally:
        await end([ending])
    if not await swapped(server, swap):
        raise Failed("The databases were not swapped.")


async def _names(server: Server, swap: Swap) -> dict[int, str]:
    """The databases that the swap is about, and whatever bears the name."""
    oids = [swap.incoming] + ([swap.live] if swap.live else [])
    rows = await server.rows("Looking at the databases", _NAMES, oids=_array(oids), name=swap.name)
    return {int(row["oid"]): str(row["datname"]) for row in rows}


def _array(oids: list[int]) -> str:
    return "{" + ",".join(map(str, oids)) + "}"
