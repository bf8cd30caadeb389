"""Roles that a dump names and the server lacks: without them its restore would stop."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from bot.backups.threads import in_thread
from bot.restores.lexing import statements
from bot.restores.server import Server, ident

_NAME = r'("(?:[^"]|"")+"|[^\s";]+)'
_CREATE = re.compile(rf"CREATE ROLE {_NAME};", re.DOTALL)
_ALTER = re.compile(rf"ALTER ROLE {_NAME} (?:WITH|SET) .*", re.DOTALL)
_GRANT = re.compile(rf"GRANT {_NAME} TO {_NAME}(?P<how>.*?)(?: GRANTED BY {_NAME})?;", re.DOTALL)

MADE_COMMENT = "made by Opsbell for"
"""Begins the comment on a role that a restore has made; the restore's mark follows."""

_DROP = r"""
select set_config('opsbell.comment', :'comment', false) \g /dev/null
do $$
declare made name;
begin
    for made in
        select r.rolname from pg_catalog.pg_roles r
        join pg_catalog.pg_shdescription d on d.objoid = r.oid
        where d.classoid = 'pg_catalog.pg_authid'::regclass
            and d.description = current_setting('opsbell.comment')
    loop
        begin
            execute format('drop role %I', made);
        exception when dependent_objects_still_exist or insufficient_privilege then
            null;
        end;
    end loop;
end$$;
"""

Schema = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]


async def make_missing_roles(
    server: Server, globals_file: Path | None, schema: Schema
) -> list[str]:
    """Makes those roles of a set that its dump names and that the server does not have, with what
    they had but their passwords; their names. A role that exists is not touched.

    `schema` opens the dump's own statements, and is asked only where roles are missing.
    """
    if globals_file is None:
        return []
    script = statements(await in_thread(globals_file.read_bytes))
    there = {
        str(row["rolname"])
        for row in await server.rows("Asking for the roles", "select rolname from pg_roles")
    }
    missing = [name for name in _created(script) if name not in there]
    if not missing:
        return []
    wanted = await _named(missing, schema)
    if wanted:
        making = _making(script, wanted, f"{MADE_COMMENT} {server.mark}")
        await server.ask("Making the missing roles", "\n".join(making))
    return wanted


def _created(script: Sequence[str]) -> list[str]:
    return [_unquoted(match[1]) for each in script if (match := _CREATE.fullmatch(each))]


async def drop_made_roles(server: Server) -> None:
    """Removes the roles that were made under the server's mark; those that something needs stay."""
    comment = f"{MADE_COMMENT} {server.mark}"
    await server.ask("Removing the roles of the restore", _DROP, values={"comment": comment})


def _making(script: Sequence[str], wanted: Sequence[str], comment: str) -> list[str]:
    """What makes the wanted roles and binds them to one another, as one transaction."""
    chosen = ["begin;"]
    for each in script:
        made, altered = _CREATE.fullmatch(each), _ALTER.fullmatch(each)
        match = made or altered
        if match and _unquoted(match[1]) in wanted:
            chosen.append(each)
    chosen += [f"comment on role {ident(name)} is {_literal(comment)};" for name in wanted]
    for each in script:
        grant = _GRANT.fullmatch(each)
        if grant and {_unquoted(grant[1]), _unquoted(grant[2])} & {*wanted}:
            # Who granted it may not exist here; whether it was is what matters.
            chosen.append(f"grant {grant[1]} to {grant[2]}{grant['how']};")
    return [*chosen, "commit;"]


async def _named(missing: Sequence[str], schema: Schema) -> list[str]:
    """Those of the missing roles whose name stands anywhere in the dump's statements."""
    patterns = {name: _pattern(name) for name in missing}
    longest = max(len(name.encode()) for name in missing) * 2 + 4
    found: set[str] = set()
    rest = b""
    async with schema() as pieces:
        async for piece in pieces:
            text = rest + piece
            found |= {name for name, pattern in patterns.items() if pattern.search(text)}
            rest = text[-longest:]
    return [name for name in missing if name in found]


def _pattern(name: str) -> re.Pattern[bytes]:
    quoted, bare = re.escape(ident(name).encode()), re.escape(name.encode())
    edge = rb"A-Za-z0-9_$\x80-\xff\""
    return re.compile(
        rb"(?<![" + edge + rb"])(?:" + quoted + rb"|" + bare + rb")(?![" + edge + rb"])"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
