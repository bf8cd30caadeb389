"""A newcomer's mistakes with Opsbell's own PostgreSQL, made on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from tests.mistakes.database_scenes import (
    DatabaseBench,
    another_encoding,
    another_program,
    at,
    cluster,
    cluster_of_another,
    lost_key,
    no_rule,
    nobody_there,
    prepared,
    standby,
    unknown_database,
    unknown_host,
    unknown_user,
)
from tests.mistakes.table import Mistake, Scene, prove
from tests.parts.database_container import DatabaseContainer, database_container
from tests.parts.postgres import PostgresServer
from tests.parts.require import need


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
