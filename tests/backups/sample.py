"""A small application on this machine to back up, and how two databases are compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

SCHEMA = """
create table users (id bigint generated always as identity primary key, name text not null);
create table payments (id bigserial primary key, amount numeric(10, 2), receipt bytea);
create schema "Odd schema";
create table "Odd schema"."it's a ""table"".with.dots" (n int);
create table parent (n int);
create table child () inherits (parent);
create table measured (day date, n int) partition by range (day);
create table measured_2026 partition of measured for values from ('2026-01-01') to ('2027-01-01');
create unlogged table sessions (id int);
create sequence invoice_numbers;
create view rich as select * from payments where amount > 50;
insert into users (name) select format('Üser "%s" O''Neill', i) from generate_series(1, 1000) i;
insert into payments (amount, receipt)
    select i % 100, decode(md5(i::text), 'hex') from generate_series(1, 3000) i;
insert into "Odd schema"."it's a ""table"".with.dots" select generate_series(1, 7);
insert into parent values (1);
insert into child values (2), (3);
insert into measured select date '2026-03-01' + i, i from generate_series(1, 20) i;
insert into sessions values (1), (2);
select setval('invoice_numbers', 13000);
select lo_from_bytea(4711, convert_to(repeat('a scanned contract ', 500), 'UTF8'));
"""

ROWS = {
    "public.users": 1000,
    "public.payments": 3000,
    '"Odd schema"."it\'s a ""table"".with.dots"': 7,
    "public.parent": 1,
    "public.child": 2,
    "public.measured_2026": 20,
    "public.sessions": 2,
}
"""The rows of SCHEMA by table, by the names that SQL gives them."""

_TABLES = """
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
    order by 1, 2
"""


def fill(url: str, statements: str = SCHEMA) -> None:
    """Runs SQL in a database, committed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


async def contents(url: str) -> Mapping[str, Any]:
    """All that two databases must share to count as equal: rows, sequences, large objects."""
    found: dict[str, Any] = {}
    async with await psycopg.AsyncConnection.connect(url) as connection:
        tables = await (await connection.execute(_TABLES)).fetchall()
        for schema, table in tables:
            rows = sql.SQL(
                "select count(*), md5(string_agg(t::text, '|' order by t::text)) from only {} t"
            ).format(sql.Identifier(schema, table))
            found[f"{schema}.{table}"] = await (await connection.execute(rows)).fetchone()
        for name, query in {
            "sequences": sql.SQL("select sequencename, last_value from pg_sequences order by 1"),
            "objects": sql.SQL("select oid, md5(lo_get(oid)) from pg_largeobject_metadata"),
            "views": sql.SQL(
                "select viewname, definition from pg_views where schemaname = 'public' order by 1"
            ),
        }.items():
            found[name] = await (await connection.execute(query)).fetchall()
    return found


def make_application(directory: Path) -> None:
    """Media, logs and configuration as an application has them."""
    (directory / "media" / "avatars").mkdir(parents=True)
    for number in range(5):
        path = directory / "media" / "avatars" / f"user {number} ü.png"
        path.write_bytes(number.to_bytes(1) * 10_000)
    (directory / "media" / "empty").mkdir()
    (directory / "media" / "latest.png").symlink_to("avatars/user 4 ü.png")
    (directory / "logs").mkdir()
    (directory / "logs" / "error.log").write_text("ERROR payment gateway answered 502\n" * 3)
    (directory / ".env.production").write_text("SECRET_KEY=canary-in-the-environment\n")
    (directory / ".env.production").chmod(0o600)


def tree(directory: Path) -> Mapping[str, Any]:
    """Every file, directory and link below a directory, with mode and contents."""
    return {
        str(path.relative_to(directory)): (
            path.is_dir() and not path.is_symlink(),
            path.lstat().st_mode,
            str(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b"",
        )
        for path in sorted(directory.rglob("*"))
    }


def fill_with_noise(url: str, megabytes: int) -> None:
    """A table that no compression makes smaller, so that a dump of it takes its time.

    It repeats 4 MiB, which is farther apart than zstd and gzip look back at these levels.
    """
    make = """
        create table noise (id int, data bytea);
        alter table noise alter column data set storage external;
        insert into noise select 0, (select string_agg(sha512(convert_to(i::text, 'UTF8')), '')
            from generate_series(1, 65536) i);
        insert into noise select copy, data from noise, generate_series(2, {}) copy;
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(make.format(max(1, megabytes // 4)).encode())
