"""What can be wrong with Opsbell's own PostgreSQL, or with the way there, on real servers."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.mistakes.ports import closed_port
from tests.mistakes.projects import as_nobody
from tests.mistakes.resolver import refusing_resolver
from tests.mistakes.table import Bench, Scene
from tests.parts.database_container import DatabaseContainer, database_container
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
    with closed_port() as port:
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
