"""GrandVPS's database: two years of business, made in seconds, and kept up with the time."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bot.demo.credentials import PASSWORD

NAME, ROLE = "grandvps_prod", "grandvps_user"
_NEW = f"{NAME}_new"
_FILES = files("bot.demo") / "grandvps"


def url_of(server: str) -> str:
    """The URL of GrandVPS's database, as its own role, on the server with this URL."""
    host = conninfo_to_dict(server)["host"]
    return f"postgresql://{ROLE}:{PASSWORD}@/{NAME}?host={host}"


async def make(server: str, tell: Callable[[str], None]) -> None:
    """Makes the database on this server, where it is not there yet.

    It gets its name once it is whole: one that was not finished is begun anew.
    """
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as admin:
        await _make_role(admin)
        rows = await admin.execute("select datname from pg_database")
        if (NAME,) in await rows.fetchall():
            return
        tell("Making GrandVPS's database: 430 000 rows")
        await admin.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(_NEW)))
        create = sql.SQL("create database {} owner {}")
        await admin.execute(create.format(sql.Identifier(_NEW), sql.Identifier(ROLE)))
        await _fill(server)
        rename = sql.SQL("alter database {} rename to {}")
        await admin.execute(rename.format(sql.Identifier(_NEW), sql.Identifier(NAME)))


async def grow(url: str) -> None:
    """Lets the business go on until now. Raises psycopg.Error."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(_text("grow.sql"))


async def _make_role(admin: psycopg.AsyncConnection) -> None:
    known = await admin.execute("select from pg_roles where rolname = %s", (ROLE,))
    # A row without columns is empty, and there.
    verb = "create" if await known.fetchone() is None else "alter"
    # A restore makes a database beside the live one.
    make = sql.SQL("{} role {} login createdb password {}")
    await admin.execute(make.format(sql.SQL(verb), sql.Identifier(ROLE), sql.Literal(PASSWORD)))


async def _fill(server: str) -> None:
    async with await psycopg.AsyncConnection.connect(server, dbname=_NEW) as connection:
        # What is being made is begun anew after a crash, and its rows fit one another by
        # construction: neither the disk nor the foreign keys are waited for.
        await connection.execute("set local synchronous_commit = off")
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(sql.SQL("set local role {}").format(sql.Identifier(ROLE)))
        for step in ("0001_initial", "0002_indexes"):
            await connection.execute(_text(f"release/migrations/{step}.sql"))
            await connection.execute(
                "insert into django_migrations (app, name) values ('grandvps', %s)", (step,)
            )
        await connection.execute(_text("grow.sql"))
        await connection.execute(_text("once.sql"))


def _text(name: str) -> bytes:
    return (_FILES / name).read_bytes()
