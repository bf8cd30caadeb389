"""A newcomer's mistakes with Opsbell's own PostgreSQL, made on real servers."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from bot.playground import LocalSlack
from tests.mistakes.projects import as_nobody
from tests.mistakes.resolver import refusing_resolver
from tests.mistakes.table import Bench, Mistake, Scene, prove
from tests.parts.database_container import DatabaseContainer, database_container
from tests.parts.network import free_port
from tests.parts.postgres import PostgresServer
from tests.parts.process import ChildProcess
from tests.parts.require import need
from tests.parts.users import AS_NOBODY, NOBODY, OPSBELL, POWERLESS


@dataclass
class DatabaseBench(Bench):
    """With a server of this machine's that trusts everyone, and one that asks for passwords."""

    trusting: PostgresServer
    asking: DatabaseContainer


Produce = Callable[[DatabaseBench], AbstractAsyncContextManager[Scene]]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def asking() -> Iterator[DatabaseContainer]:
    need("docker", "postgres-image")
    with database_container() as container:
        yield container


@pytest.fixture
async def bench(
    tmp_path: Path, database_url: str, postgres: PostgresServer, asking: DatabaseContainer
) -> AsyncIterator[DatabaseBench]:
    async with LocalSlack() as slack:
        yield DatabaseBench(tmp_path, database_url, slack, postgres, asking)


def scene(bench: DatabaseBench, url: str, **places: object) -> Scene:
    """Opsbell with this database; the URL's parts are among the places."""
    bench.config(database_url=url)
    parts = urlsplit(url)
    known = {"name": parts.path[1:], "user": parts.username}
    return Scene(bench.directory, bench.env, places=known | places)


def at(url: str) -> Produce:
    """The URL alone is wrong; `{asking}` stands for the other server's `host:port`."""

    @asynccontextmanager
    async def produce(bench: DatabaseBench) -> AsyncIterator[Scene]:
        where = f"127.0.0.1:{bench.asking.port}"
        yield scene(bench, url.replace("{asking}", where), where=where)

    return produce


@asynccontextmanager
async def nobody_there(bench: DatabaseBench) -> AsyncIterator[Scene]:
    port = free_port()
    yield scene(bench, f"postgresql://opsbell@127.0.0.1:{port}/opsbell", port=port)


@asynccontextmanager
async def another_program(bench: DatabaseBench) -> AsyncIterator[Scene]:
    port = urlsplit(bench.slack.api_url).port
    yield scene(bench, f"postgresql://opsbell@127.0.0.1:{port}/opsbell", port=port)


@asynccontextmanager
async def unknown_user(bench: DatabaseBench) -> AsyncIterator[Scene]:
    yield scene(bench, bench.database_url.replace("postgres@", "opsbel@"))


@asynccontextmanager
async def unknown_database(bench: DatabaseBench) -> AsyncIterator[Scene]:
    yield scene(bench, bench.trusting.url("opsbel"))


@asynccontextmanager
async def unknown_host(bench: DatabaseBench) -> AsyncIterator[Scene]:
    async with refusing_resolver(bench.directory) as program:
        there = scene(bench, "postgresql://opsbell@database.invalid/opsbell")
        yield replace(there, program=program)


def prepared(*statements: str, owner: bool = False) -> Produce:
    """Statements are run in the new database first, `{user}` and `{name}` replaced in them.

    Opsbell then signs in as that user, who has no rights of their own: an `owner` has all.
    """

    @asynccontextmanager
    async def produce(bench: DatabaseBench) -> AsyncIterator[Scene]:
        user = f"newcomer_{next(_numbers)}"
        name = urlsplit(bench.database_url).path[1:]
        bench.trusting.execute(f"create role {user} login")
        if owner:
            bench.trusting.execute(f"alter database {name} owner to {user}")
        with psycopg.connect(bench.database_url, autocommit=True) as connection:
            for statement in statements:
                text = statement.replace("{user}", user).replace("{name}", name)
                connection.execute(sql.SQL(text))
        try:
            yield scene(bench, bench.database_url.replace("postgres@", f"{user}@"))
        finally:
            with psycopg.connect(bench.database_url, autocommit=True) as connection:
                connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(user)))
            bench.trusting.execute(f"alter database {name} owner to postgres")
            bench.trusting.execute(f"drop role {user}")

    return produce


@asynccontextmanager
async def no_rule(bench: DatabaseBench) -> AsyncIterator[Scene]:
    """pg_hba.conf lets the user in from elsewhere only."""
    rules = "/var/lib/postgresql/data/pg_hba.conf"
    bench.asking.exec("sed", "-i", "1i host all elsewhere all reject", rules)
    bench.asking.exec("psql", "--username", "opsbell", "--command", "select pg_reload_conf()")
    where = f"127.0.0.1:{bench.asking.port}"
    url = f"postgresql://elsewhere:unasked@{where}/opsbell"
    yield scene(bench, url, gateway=bench.asking.gateway)


@asynccontextmanager
async def standby(bench: DatabaseBench) -> AsyncIterator[Scene]:
    """The URL names the replica."""
    with database_container() as server:
        server.exec("touch", "/var/lib/postgresql/data/standby.signal")
        server.restart()
        yield scene(bench, server.url)


@asynccontextmanager
async def another_encoding(bench: DatabaseBench) -> AsyncIterator[Scene]:
    name = f"latin_{next(_numbers)}"
    options = "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
    bench.trusting.execute(f"create database {name} {options}")
    try:
        yield scene(bench, bench.trusting.url(name))
    finally:
        bench.trusting.execute(f"drop database {name} with (force)")


@asynccontextmanager
async def lost_key(bench: DatabaseBench) -> AsyncIterator[Scene]:
    """Opsbell ran on this database; the data directory was not kept."""
    there = scene(bench, bench.database_url)
    command = ("checklist", "list")
    async with ChildProcess(*OPSBELL, *command, cwd=there.directory, env=there.env) as process:
        assert await process.wait(timeout=60) == 0, process.output
    with psycopg.connect(bench.database_url, autocommit=True) as connection:
        connection.execute(
            "insert into events values"
            " (1, now(), 'opsbell', 'test', '', '', 'noted', '{}', ''::bytea)"
        )
    key = there.directory / "var" / "audit.key"
    key.unlink()
    yield replace(there, places={"key": key})


def cluster(prepare: Callable[[Path], object]) -> Produce:
    """The embedded database, its directory prepared."""

    @asynccontextmanager
    async def produce(bench: DatabaseBench) -> AsyncIterator[Scene]:
        need("root")
        bench.config(database_url="embedded")
        directory = bench.directory / "var" / "postgres"
        directory.mkdir(mode=0o700, parents=True)
        directory.parent.chmod(0o700)
        prepare(directory)
        yield Scene(
            bench.directory,
            bench.env,
            places={"cluster": directory, "data": directory.parent},
            program=POWERLESS,
        )

    return produce


@asynccontextmanager
async def cluster_of_another(bench: DatabaseBench) -> AsyncIterator[Scene]:
    """Opsbell ran as root once."""
    need("root")
    with as_nobody(bench):
        bench.config(database_url="embedded")
        data = bench.directory / "var"
        data.mkdir(mode=0o700)
        os.chown(data, NOBODY, NOBODY)
        (data / "postgres").mkdir(mode=0o700)
        places = {"cluster": data / "postgres", "data": data}
        yield Scene(bench.directory, bench.env, places=places, program=AS_NOBODY)


CORRECT = "Start PostgreSQL, or correct host and port in the database URL."
# What a start cannot go on with either, nor may wait for.
HOPELESS = [
    Mistake(
        "a wrong password",
        at("postgresql://opsbell:wrong@{asking}/opsbell"),
        "Connection: PostgreSQL refuses the user opsbell or the password. Correct both in"
        " the database URL; @ : / in a password are written %40 %3A %2F.",
    ),
    Mistake(
        "no password",
        at("postgresql://opsbell@{asking}/opsbell"),
        "Connection: PostgreSQL asks for the password of opsbell. Write it in the"
        " database URL, as user:password@.",
    ),
    Mistake(
        "an unknown user",
        unknown_user,
        "Connection: PostgreSQL has no user opsbel. Make it there (createuser opsbel), or"
        " correct the user in the database URL.",
    ),
    Mistake(
        "an unknown database",
        unknown_database,
        "Connection: PostgreSQL has no database opsbel. Make it there (createdb --owner"
        " postgres opsbel), or correct the name in the database URL.",
    ),
    Mistake(
        "TLS that the server does not offer",
        at("postgresql://opsbell:the-right-password@{asking}/opsbell?sslmode=require"),
        "Connection: PostgreSQL at {where} does not offer TLS, and sslmode asks for it."
        " Turn TLS on there, or write sslmode=prefer in the database URL.",
    ),
    Mistake(
        "another program's port",
        another_program,
        "Connection: What answers at 127.0.0.1:{port} is not PostgreSQL. Correct host and"
        " port in the database URL.",
    ),
    Mistake(
        "no rule in pg_hba.conf",
        no_rule,
        "Connection: PostgreSQL's pg_hba.conf does not let elsewhere into opsbell from"
        " {gateway}. Add a line for it there, or write sslmode=require in the database"
        " URL if it asks for TLS.",
    ),
    Mistake(
        "no right to connect",
        prepared("revoke connect on database {name} from public"),
        "Connection: {user} may not connect to the database {name}. Run there: grant"
        " connect on database {name} to {user};",
    ),
    Mistake(
        "a newer Opsbell was here",
        prepared(
            "create table migrations (name text primary key, applied_at timestamptz default now())",
            "insert into migrations values ('9999_from_tomorrow.sql')",
            "alter table migrations owner to {user}",
            owner=True,
        ),
        "Tables: The database was changed by a newer Opsbell: 9999_from_tomorrow.sql."
        " Install the newer Opsbell again, or restore its database from before.",
    ),
]
MISTAKES = [
    Mistake(
        "nobody at the port",
        nobody_there,
        "Connection: PostgreSQL does not answer at 127.0.0.1:{port}: Connection refused."
        " Start PostgreSQL, or correct host and port in the database URL.",
    ),
    Mistake(
        "an unknown host",
        unknown_host,
        "Connection: The database's host database.invalid is not known here. Correct it"
        " in the database URL.",
    ),
    Mistake(
        "a socket that is not there",
        at("postgresql:///opsbell?host=/nowhere"),
        "Connection: PostgreSQL does not answer at /nowhere/.s.PGSQL.5432: No such file"
        " or directory. Start PostgreSQL, or correct host and port in the database URL.",
    ),
    Mistake(
        "no right to make tables",
        prepared(),
        "Tables: {user} may not make tables in the schema public of {name}. Run there:"
        " grant create on schema public to {user};",
    ),
    Mistake(
        "another user's tables",
        prepared("create table migrations (name text)", "create table events (id int)"),
        "Tables: {user} may not use Opsbell's tables in {name}: another user made them."
        " Sign in as the user who first ran Opsbell on it.",
    ),
    Mistake(
        "a user who may only read",
        prepared("alter role {user} set default_transaction_read_only = on", owner=True),
        "Writing: Connections of {user} to {name} are read-only. Run there: alter role"
        " {user} reset default_transaction_read_only;",
    ),
    Mistake(
        "a standby",
        standby,
        "Writing: opsbell is on a standby, which takes no changes. Write the primary's"
        " host in the database URL.",
    ),
    Mistake(
        "another encoding",
        another_encoding,
        "Encoding: {name} has the encoding LATIN1, not UTF8. Make another: createdb"
        " --encoding UTF8 --template template0 {name}_utf8",
    ),
    Mistake(
        "few connections left",
        prepared("alter role {user} connection limit 5", owner=True),
        "Connections: 4 connections left; Opsbell opens up to 20. Raise max_connections"
        " there, or the limit of this user or database.",
        status=0,
        sign="⚠️ warning",
    ),
    Mistake(
        "a lost key",
        lost_key,
        "Audit key: {key} is gone, so the history so far cannot be proven any more. Put"
        " it back from a copy of the data directory before the next start.",
    ),
    Mistake(
        "a cluster of another version",
        cluster(lambda path: (path / "PG_VERSION").write_text("15\n")),
        "Embedded PostgreSQL: {cluster} was made by PostgreSQL 15; this one is 18."
        " Install the Opsbell that made it, or move its data with pg_dump.",
    ),
    Mistake(
        "a directory of something else",
        cluster(lambda path: (path / "notes.txt").write_text("mine")),
        "Embedded PostgreSQL: {cluster} is no database of PostgreSQL. Move it away, or"
        " set data to another directory in opsbell.yaml.",
    ),
    Mistake(
        "a cluster of another user",
        cluster_of_another,
        "Embedded PostgreSQL: {cluster} belongs to root, and nobody may not use it. Run"
        " Opsbell as root, or: sudo chown -R nobody {data}",
    ),
    Mistake(
        "a cluster without any rights",
        cluster(lambda path: path.chmod(0)),
        "Embedded PostgreSQL: {cluster} has mode 000: root may not use it. Run: chmod u+rwx"
        " {cluster}",
    ),
]


@pytest.mark.parametrize("mistake", [*HOPELESS, *MISTAKES], ids=lambda mistake: mistake.name)
async def test_check(mistake: Mistake[DatabaseBench], bench: DatabaseBench) -> None:
    await prove(mistake, bench)


@pytest.mark.parametrize("mistake", [*HOPELESS[:4], HOPELESS[-1]], ids=lambda mistake: mistake.name)
async def test_run_ends_with_the_same_words(
    mistake: Mistake[DatabaseBench], bench: DatabaseBench
) -> None:
    @asynccontextmanager
    async def run(on: DatabaseBench) -> AsyncIterator[Scene]:
        async with mistake.produce(on) as there:
            yield replace(there, command=("run",))

    _, _, line = mistake.line.partition(": ")
    await prove(replace(mistake, produce=run, line=line), bench)
