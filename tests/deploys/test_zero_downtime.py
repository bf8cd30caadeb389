"""A release without migrations, deployed while visitors ask for the page all the time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deploys.django_stage import Stage, house
from tests.parts.django_project.project import DjangoProject, served
from tests.parts.visitor import visiting

pytestmark = [
    pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git"),
    # Three deploys one after another, on a machine that may be busy.
    pytest.mark.timeout(400),
]


@pytest.fixture
async def stage(
    own_django: DjangoProject, tmp_path: Path, database_url: str
) -> AsyncIterator[Stage]:
    async with house(own_django, tmp_path, database_url, zero_downtime=True) as opened:
        yield opened


async def test_no_visitor_is_turned_away_forwards_and_backwards(stage: Stage) -> None:
    project = stage.project
    async with visiting(f"{project.web_url}/") as visitor:
        plan = await stage.ask("/deploy v2")
        await stage.ended("done")
        assert "no migration needs it" in plan
        assert "GrandVPS v2" in await served(project)
        await stage.ask("/deploy rollback")
        await stage.ended("done")
        assert "GrandVPS v1" in await served(project)
    assert visitor.failures() == []
    assert len(visitor.answers) > 100
    assert "GrandVPS v2" in visitor.versions("GrandVPS v1", "GrandVPS v2")
    assert len(await project.containers("web")) == 1
    print(f"{len(visitor.answers)} answers, the longest wait {visitor.longest_outage():.2f} s")


async def test_a_release_that_never_gets_healthy_turns_nobody_away(stage: Stage) -> None:
    project = stage.project
    before = await project.compose("ps", "--format", "{{.ID}}")
    async with visiting(f"{project.web_url}/") as visitor:
        await stage.ask("/deploy v5")
        message = await stage.ended("failed")
    assert visitor.failures() == []
    # As docs/deploy.md says: until it is known to be ill, it has its share of the visitors.
    assert "GrandVPS v5" in visitor.versions("GrandVPS v1", "GrandVPS v5")
    assert "the old one goes on" in message.plain
    assert "GrandVPS v1" in await served(project)
    assert project.revision == project.commit_of("v1")
    assert await project.compose("ps", "--format", "{{.ID}}") == before


async def test_a_migration_closes_the_page_all_the_same(stage: Stage) -> None:
    async with visiting(f"{stage.project.web_url}/") as visitor:
        await stage.ask("/deploy v3")
        await stage.ended("done")
    assert visitor.statuses() == [200, 503, 200]
    assert "GrandVPS v3" in await served(stage.project)
