"""Databases of a server as wholes: made like another, given what belongs to a name, removed."""

from __future__ import annotations

from datetime import timedelta

from bot.backups.removing import DROP, END_SESSIONS
from bot.errors import Failed
from bot.restores.server import Server

_CREATE_LIMIT = timedelta(minutes=5)

# Columns that not every version has are read from the row as JSON.
_CREATE_LIKE = r"""
with source as (
    select d.datdba, d.encoding, to_jsonb(d) as j, t.spcname
    from pg_catalog.pg_database d join pg_catalog.pg_tablespace t on t.oid = d.dattablespace
    where d.datname = :'like'
)
select concat(
    format('create database %I template template0 owner %I encoding %L lc_collate %L lc_ctype %L',
        :'new', pg_get_userbyid(datdba), pg_encoding_to_char(encoding),
        j->>'datcollate', j->>'datctype'),
    case j->>'datlocprovider'
        when 'i' then format(' locale_provider icu icu_locale %L',
            coalesce(j->>'datlocale', j->>'daticulocale'))
        when 'b' then format(' locale_provider builtin builtin_locale %L', j->>'datlocale')
    end,
    case when j->>'daticurules' is not null then format(' icu_rules %L', j->>'daticurules') end,
    case when spcname <> 'pg_default' then format(' tablespace %I', spcname) end
) from source \gexec
"""
_CREATE = r"""select format('create database %I template template0', :'new') \gexec"""

# Names that a list setting holds must come through as they are: `set … from current` keeps the
# text of the session's setting, where a literal would be taken for one name.
_PROPERTIES = r"""
begin;
select format('revoke all on database %I from public', :'new'),
    format('revoke all on database %I from %I', :'new', pg_get_userbyid(datdba))
from pg_catalog.pg_database where datname = :'like' and datacl is not null \gexec
select format('grant %s on database %I to %s%s', g.privilege_type, :'new',
    case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
    case when g.is_grantable then ' with grant option' end)
from pg_catalog.pg_database d, aclexplode(d.datacl) g where d.datname = :'like' \gexec
select format('alter database %I connection limit %s', :'new', datconnlimit),
    format('alter database %I is_template %s', :'new', datistemplate::text)
from pg_catalog.pg_database where datname = :'like' and (datconnlimit <> -1 or datistemplate) \gexec
select format('comment on database %I is %L', :'new', c.description)
from pg_catalog.pg_database d join pg_catalog.pg_shdescription c
    on c.objoid = d.oid and c.classoid = 'pg_catalog.pg_database'::regclass
where d.datname = :'like' \gexec
select format('security label for %I on database %I is %L', s.provider, :'new', s.label)
from pg_catalog.pg_database d join pg_catalog.pg_shseclabel s
    on s.objoid = d.oid and s.classoid = 'pg_catalog.pg_database'::regclass
where d.datname = :'like' \gexec
select format('alter database %I reset all', :'new') \gexec
select format('alter role %I in database %I reset all', pg_get_userbyid(s.setrole), :'new')
from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database d on d.oid = s.setdatabase
where d.datname = :'new' and s.setrole <> 0 \gexec
with settings as (
    select case when s.setrole = 0 then format('database %I', :'new') else
            format('role %I in database %I', pg_get_userbyid(s.setrole), :'new') end as whose,
        split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value
    from pg_catalog.pg_db_role_setting s
    join pg_catalog.pg_database d on d.oid = s.setdatabase
    cross join unnest(s.setconfig) c
    where d.datname = :'like'
)
select case when listed then format('select from set_config(%L, %L, true)', name, value) end,
    case when listed then format('alter %s set %s from current', whose, named)
        else format('alter %s set %s to %L', whose, named, value) end
from settings, lateral (select
    (select string_agg(quote_ident(part), '.') from unnest(string_to_array(name, '.')) part),
    name in ('search_path', 'temp_tablespaces', 'session_preload_libraries',
        'local_preload_libraries')
) as told (named, listed) \gexec
commit;
"""


async def create(server: Server, name: str, *, like: str | None) -> int:
    """Makes an empty database, with owner, encoding, locale and tablespace `like` another; its
    oid. One of that name that is there is removed: the caller owns the name."""
    await drop(server, name)
    statements = _CREATE_LIKE if like else _CREATE
    values = {"new": name, **({"like": like} if like else {})}
    await server.ask(f"Making the database {name}", statements, values=values, limit=_CREATE_LIMIT)
    made = await server.database(name)
    if made is None:
        raise LookupError(f"{name} was made and is not there")
    return int(made["oid"])


async def copy_properties(server: Server, name: str, *, like: str) -> None:
    """Gives a database what belongs to the name that it will take: grants, settings of its own and
    by role, comment, labels, limits. In one transaction."""
    await server.ask(
        f"Copying the settings of {like}", _PROPERTIES, values={"new": name, "like": like}
    )


async def drop(server: Server, name: str) -> None:
    """Removes a database whoever is connected to it; one that is not there is no error."""
    await server.ask(
        f"Removing the database {name}", DROP, values={"name": name}, limit=_CREATE_LIMIT
    )


async def end_work(server: Server) -> None:
    """Ends what may still run under the server's mark: processes in the container, then sessions.
    Raises Failed where something remains."""
    await server.target.end_marked(server.mark, service=server.service)
    left = await server.ask("Ending the sessions of the restore", END_SESSIONS)
    if left != ["0"]:
        raise Failed(f"Sessions of the restore go on at the server: {' '.join(left)}.")
