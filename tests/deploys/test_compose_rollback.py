"""What a deploy did to the database of the Django project, taken back as a person chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deploys.django_stage import TARGET, Stage, house
from tests.parts.django_project.project import DjangoProject, served

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git")


@pytest.fixture
async def stage(
    own_django: DjangoProject, tmp_path: Path, database_url: str
) -> AsyncIterator[Stage]:
    async with house(own_django, tmp_path, database_url) as opened:
        yield opened


async def columns(stage: Stage, table: str) -> str:
    """The columns of a table."""
    wanted = f"from information_schema.columns where table_name = '{table}'"
    query = f"select string_agg(column_name, ' ') {wanted}"
    return await stage.project.psql(query)


async def test_migrations_are_reversed_before_the_code_goes(stage: Stage) -> None:
    await stage.deploy("v3")
    assert "hourly_price" in await columns(stage, "servers_server")
    plan = await stage.ask("/deploy rollback --migrations")
    assert "migrate servers 0001_initial" in plan
    await stage.ended("done")
    assert "GrandVPS v1" in await served(stage.project)
    assert await stage.project.migrations() == ["0001_initial"]
    assert "hourly_price" not in await columns(stage, "servers_server")


async def test_what_half_a_migration_did_goes_with_the_database_of_before(stage: Stage) -> None:
    failed = await stage.deploy("v4", "failed")
    assert "/deploy rollback 1 --database" in failed.plain
    # A restore, by the rule of restores.
    await stage.ask("/deploy rollback 1 --database", by=stage.carol, name=TARGET)
    await stage.approve()
    await stage.ended("done")
    assert "GrandVPS v1" in await served(stage.project)
    assert await stage.project.migrations() == ["0001_initial"]
    assert "email" not in await columns(stage, "servers_customer")
