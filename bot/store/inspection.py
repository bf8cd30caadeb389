"""What can be said of Opsbell's own database without changing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bot.store.migrate import own_migrations, queue_migrations
from bot.store.reach import connect

_FACTS = """
select current_user as "user",
       current_database() as name,
       current_setting('server_version_num')::int / 10000 as version,
       current_setting('server_encoding') as encoding,
       current_setting('transaction_read_only') = 'on' as read_only,
       pg_is_in_recovery() as standby,
       current_schema() as schema,
       coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
       to_regclass('migrations') is not null as migrated,
       coalesce(has_table_privilege(to_regclass('migrations'), 'select, insert'), false) as is_ours,
       to_regclass('events') is not null as has_events
"""
# How many connections this user could still open: the least of three limits, less those in use.
_ROOM = """
select least(
           current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int
               - (select count(*) from pg_stat_activity where backend_type = 'client backend'),
           (select nullif(datconnlimit, -1) - numbackends
              from pg_database join pg_stat_database using (datname)
             where datname = current_database()),
           (select nullif(rolconnlimit, -1)
                   - (select count(*) from pg_stat_activity where usename = current_user)
              from pg_roles where rolname = current_user)
       ) as room
"""


@dataclass(frozen=True)
class Inspection:
    """One look at the database, and at what of it is this program's.

    `version` is PostgreSQL's main one; `schema` is None where the search path names none that
    exists. `room` is how many connections may still be opened. `unknown` are migrations that
    this program does not have, `pending` how many it would apply; `is_ours` says whether tables
    that are there may be used, `has_history` whether there are events.
    """

    user: str
    name: str
    version: int
    encoding: str
    read_only: bool
    standby: bool
    schema: str | None
    may_create: bool
    migrated: bool
    is_ours: bool
    room: int
    unknown: tuple[str, ...]
    pending: int
    has_history: bool


async def inspect(url: str) -> Inspection:
    """Looks at the database. Raises Unavailable where there is no way in."""
    connection = await connect(url)
    try:
        return await _inspect(connection)
    finally:
        await connection.close()


async def _inspect(connection: psycopg.AsyncConnection[Any]) -> Inspection:
    cursor = connection.cursor(row_factory=dict_row)
    facts: Mapping[str, Any] = await (await cursor.execute(_FACTS)).fetchone() or {}
    room = (await (await cursor.execute(_ROOM)).fetchone() or {})["room"]
    applied: set[str] = set()
    has_history = False
    if facts["is_ours"]:
        rows = await (await cursor.execute("select name from migrations")).fetchall()
        applied = {row["name"] for row in rows}
        if facts["has_events"]:
            first = await (await cursor.execute("select from events limit 1")).fetchone()
            has_history = first is not None
    known = {**own_migrations(), **queue_migrations()}.keys()
    return Inspection(
        **{name: facts[name] for name in Inspection.__annotations__ if name in facts},
        room=int(room),
        unknown=tuple(sorted(applied - known)),
        pending=len(known - applied),
        has_history=has_history,
    )
