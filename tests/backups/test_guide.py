"""RESTORE.md where its commands run a second time, or fail."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bot.backups.guide import aside
from tests.backups.conftest import Bench
from tests.backups.sample import contents, fill
from tests.backups.tools import commands, shell
from tests.parts.postgres import PostgresServer


@pytest.fixture
async def made(host: Bench) -> Path:
    """A set of the application's database."""
    path, _ = await host.make("database")
    return path


@pytest.fixture
def kept(made: Path, application_url: str, postgres: PostgresServer) -> Iterator[str]:
    """The name under which the guide sets the database aside; it is dropped afterwards."""
    with psycopg.connect(application_url) as connection:
        name = aside(connection.info.dbname, made.name)
    yield name
    postgres.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


async def test_a_second_run_leaves_the_database_as_it_is(
    made: Path, kept: str, application_url: str
) -> None:
    script = commands(made / "RESTORE.md")
    await shell(script)
    fill(application_url, "insert into users (name) values ('later')")
    before = await contents(application_url)
    with pytest.raises(AssertionError) as stopped:
        await shell(script)
    *_, last = str(stopped.value).partition("\nassert")[0].strip().splitlines()
    assert last == (
        f'ERROR:  The database "{kept}" is there already, from an earlier run; the present database'
        " was left as it is. Drop one of the two as Afterwards says, then begin again."
    )
    assert await contents(application_url) == before


@pytest.mark.usefixtures("kept")
async def test_a_run_that_ended_before_the_database_was_made_can_be_repeated(
    made: Path, application_url: str
) -> None:
    before = await contents(application_url)
    script = commands(made / "RESTORE.md")
    cut = script.replace('< "$SET/database.dump"', '< "$SET/not-there"')
    with pytest.raises(AssertionError, match="not-there: No such file"):
        await shell(cut)
    await shell(script)
    assert await contents(application_url) == before


async def test_connections_are_allowed_again_where_the_guide_fails(
    made: Path, application_url: str
) -> None:
    script = commands(made / "RESTORE.md")
    # Whoever is connected stays, so that the database cannot be renamed.
    staying = re.sub(r"select pg_terminate_backend.*", "", script)
    assert staying != script
    before = await contents(application_url)
    with (
        psycopg.connect(application_url),
        pytest.raises(AssertionError, match="is being accessed by other users"),
    ):
        await shell(staying)
    assert await contents(application_url) == before
