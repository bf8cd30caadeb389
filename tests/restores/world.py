"""A database with one of everything, and how two of them are compared object by object."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.targets.postgres_tools import find_tools
from tests.backups.sample import contents


def make_world(url: str, *, extensions: bool = False) -> None:
    """Fills a database with one of everything, as its superuser."""
    scripts = ["extensions.sql", "world.sql"] if extensions else ["world.sql"]
    with psycopg.connect(url, autocommit=True) as connection:
        for script in scripts:
            connection.execute((Path(__file__).parent / script).read_bytes())


def tool(url: str, name: str) -> str:
    """The path of a PostgreSQL tool on this machine that fits the server."""
    tools = asyncio.run(find_tools(url, {}))
    return str(tools.directory / name)


def url_of(url: str, database: str) -> str:
    """The same server, another database; any name."""
    return make_conninfo(url, dbname=database)


def dump(url: str, *arguments: str) -> bytes:
    """What this machine's pg_dump writes of a database."""
    argv = [tool(url, "pg_dump"), "--dbname", url, *arguments]
    return subprocess.run(argv, check=True, capture_output=True).stdout


def dump_to(url: str, path: Path, *arguments: str) -> Path:
    """The same, into a file or a directory."""
    dump(url, f"--file={path}", *arguments)
    return path


def rows(url: str) -> Mapping[str, int]:
    """The rows by table, as a manifest has them."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "select format('%I.%I', n.nspname, c.relname), n.nspname, c.relname from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'"
            " and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'"
        ).fetchall()
        found = {}
        for name, schema, table in names:
            count = sql.SQL("select count(*) from only {}").format(sql.Identifier(schema, table))
            one = connection.execute(count).fetchone()
            assert one
            found[str(name)] = int(one[0])
        return found


def everything(url: str) -> Mapping[str, Any]:
    """All that two databases must share: every object as SQL, every row by a digest, and what
    belongs to the database itself."""
    schema = dump(url, "--schema-only").decode()
    schema = re.sub(r"^\\(un)?restrict .*$", "", schema, flags=re.MULTILINE)
    return {"schema": schema, **asyncio.run(contents(url)), "own": own(url)}


def own(url: str) -> list[Any]:
    """What belongs to the database itself and not to what is in it."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select pg_get_userbyid(datdba), encoding, datcollate, datctype, datconnlimit,"
            " (select array_agg(grant_of order by grant_of) from aclexplode(datacl) a,"
            "  format('%s %s %s', grantee, privilege_type, is_grantable) grant_of),"
            " shobj_description(oid, 'pg_database'),"
            " (select array_agg(format('%s %s', setrole, setconfig) order by setrole)"
            "  from pg_db_role_setting where setdatabase = d.oid)"
            " from pg_database d where datname = current_database()"
        ).fetchall()


def execute(url: str, statement: str) -> None:
    """Runs SQL, committed; each statement alone where there is one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def databases(url: str) -> dict[str, int]:
    """A database and those that were made from it, by name."""
    with psycopg.connect(url_of(url, "postgres")) as connection:
        rows = connection.execute(
            "select datname, oid::bigint from pg_database where datallowconn"
        ).fetchall()
    own = name_of(url)
    return {
        str(name): int(oid) for name, oid in rows if name == own or str(name).startswith(f"{own}_")
    }


def name_of(url: str) -> str:
    """The database that a URL names."""
    return str(conninfo_to_dict(url)["dbname"])
