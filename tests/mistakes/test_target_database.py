"""A newcomer's mistakes about a target's database, and the line that answers each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.mistakes.projects import ProjectBench
from tests.mistakes.resolver import refusing_resolver
from tests.mistakes.table import Mistake, Scene, prove


@asynccontextmanager
async def wrong_user(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(database=bench.base(user="grandvps")))


@asynccontextmanager
async def wrong_database(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(database=bench.base(name="grandvps_prd")))


@asynccontextmanager
async def wrong_database_for_a_backup(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(
        bench.target(database=bench.base(name="grandvps_prd")),
        command=("backup", "now"),
        backups={"grandvps": {"include": ["database"], "store": {"directory": "backups"}}},
    )


@asynccontextmanager
async def service_without_postgres(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(database=bench.base(service="web")))


@asynccontextmanager
async def user_without_rights(bench: ProjectBench) -> AsyncIterator[Scene]:
    await bench.project.psql("create role reader login")
    try:
        yield bench.scene(bench.target(database=bench.base(user="reader")))
    finally:
        await bench.project.psql("drop role reader")


@asynccontextmanager
async def older_tools(bench: ProjectBench) -> AsyncIterator[Scene]:
    """The database's tools in a service of their own, of an older version than the server."""
    project = bench.project
    argv = ("--network", f"{project.project}_default", "--env", "PGHOST=db")
    image = ("--entrypoint", "sleep", "opsbell-test/postgres:15", "infinity")
    async with project.service_by_hand("tools", *argv, *image):
        base = bench.base(service="tools", password=project.canary)
        yield bench.scene(bench.target(database=base))


def over_tcp(bench: ProjectBench, **changes: Any) -> dict[str, Any]:
    """A target on the host whose database is the project's, as it is published there."""
    return {"runtime": "host", "directory": str(bench.project.directory)} | changes


@asynccontextmanager
async def wrong_password(bench: ProjectBench) -> AsyncIterator[Scene]:
    url = bench.project.database_url.replace(bench.project.canary, "secret")
    yield bench.scene(over_tcp(bench, database={"url": url}))


@asynccontextmanager
async def no_password(bench: ProjectBench) -> AsyncIterator[Scene]:
    url = bench.project.database_url.replace(f":{bench.project.canary}@", "@")
    yield bench.scene(over_tcp(bench, database={"url": url}))


@asynccontextmanager
async def unescaped_password(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(over_tcp(bench, database={"url": "postgresql://app:pa@ss@127.0.0.1/shop"}))


@asynccontextmanager
async def wrong_port(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(over_tcp(bench, database={"url": "postgresql://app:pw@127.0.0.1:1/shop"}))


@asynccontextmanager
async def service_name_as_machine(bench: ProjectBench) -> AsyncIterator[Scene]:
    """The name that the database has inside the project, used outside it."""
    async with refusing_resolver(bench.directory) as program:
        target = over_tcp(bench, database={"url": "postgresql://app:pw@db.invalid/shop"})
        yield replace(bench.scene(target), program=program)


MISTAKES = (
    Mistake(
        "a wrong database user",
        wrong_user,
        "Database: The server has no user grandvps. Correct targets.grandvps.database.user: the "
        "service was made with grandvps_user.",
    ),
    Mistake(
        "a wrong database name",
        wrong_database,
        "Database: The server has no database grandvps_prd (did you mean grandvps_prod?). Correct "
        "targets.grandvps.database.name: there are grandvps_prod and postgres.",
    ),
    Mistake(
        "a wrong database name, for a backup",
        wrong_database_for_a_backup,
        "Asking for the database's size ended with exit status 2: psql: error: connection to "
        'server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  database '
        '"grandvps_prd" does not exist. opsbell check says which setting to correct.',
    ),
    Mistake(
        "a service that is no database",
        service_without_postgres,
        "Database: The program psql is not in the service web. Correct "
        "targets.grandvps.database.service, or add PostgreSQL's client programs to its image.",
    ),
    Mistake(
        "a database user without rights",
        user_without_rights,
        "Database: reader may not read all tables: payments for one. Run as a superuser of "
        "PostgreSQL: GRANT pg_read_all_data TO reader;",
    ),
    Mistake(
        "tools older than the server",
        older_tools,
        "Database: pg_dump 15 cannot back up the server, which is PostgreSQL 17. Install "
        "PostgreSQL's client programs of version 17 or newer in the service tools.",
    ),
    Mistake(
        "a wrong database password",
        wrong_password,
        "Database: The server does not let grandvps_user in with this password, or does not know "
        "grandvps_user. Correct the password in targets.grandvps.database.url.",
    ),
    Mistake(
        "no database password",
        no_password,
        "Database: The server asks grandvps_user for a password, and none is configured. Set the "
        "password in targets.grandvps.database.url.",
    ),
    Mistake(
        "a sign in the database's password that a URL reads otherwise",
        unescaped_password,
        "opsbell.yaml:11: targets.grandvps.database.url: found ***, expected a URL whose "
        "password has %40 for @, %25 for %, %20 for a blank",
        status=2,
    ),
    Mistake(
        "a wrong port of the database",
        wrong_port,
        "Database: Nobody listens at 127.0.0.1:1. Start PostgreSQL, or correct "
        "targets.grandvps.database.",
    ),
    Mistake(
        "a service's name where a machine's belongs",
        service_name_as_machine,
        "Database: The machine db.invalid is not known. Correct the machine in "
        "targets.grandvps.database.url.",
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_the_answer_to_a_mistake(
    mistake: Mistake[ProjectBench], project_bench: ProjectBench
) -> None:
    await prove(mistake, project_bench)
