"""`/deploy` of a real Django project in Compose: good releases, and each way to be a bad one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from tests.deploys.django_stage import Stage, house
from tests.parts.django_project.project import DjangoProject, served
from tests.parts.visitor import visiting

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git")


@pytest.fixture
async def stage(
    own_django: DjangoProject, tmp_path: Path, database_url: str
) -> AsyncIterator[Stage]:
    async with house(own_django, tmp_path, database_url) as opened:
        yield opened


async def runs(stage: Stage, tag: str) -> None:
    """Asserts that a release runs, whole: page, work tree, container, and no maintenance."""
    project = stage.project
    assert f"GrandVPS {tag}" in await served(project)
    assert project.revision == project.commit_of(tag)
    assert not project.maintenance_file.exists()
    assert len(await project.containers("web")) == 1


async def test_a_good_release_is_deployed_and_rolled_back(stage: Stage) -> None:
    async with visiting(f"{stage.project.web_url}/") as visitor:
        plan = await stage.ask("/deploy v2")
        await stage.ended("done")
        assert "A new start page" in plan
        assert stage.project.commit_of("v2")[:10] in plan
        await runs(stage, "v2")
        # Closed in between, and nobody saw anything else.
        assert visitor.statuses() == [200, 503, 200]
        assert visitor.versions("GrandVPS v1", "GrandVPS v2") == ["GrandVPS v1", "GrandVPS v2"]
    await stage.ask("/deploy rollback")
    await stage.ended("done")
    await runs(stage, "v1")


async def test_a_release_with_a_migration(stage: Stage) -> None:
    plan = await stage.ask("/deploy v3")
    await stage.ended("done")
    assert "0002_hourly_price" in plan
    await runs(stage, "v3")
    assert "1300 cents an hour" in await served(stage.project)
    assert await stage.project.migrations() == ["0001_initial", "0002_hourly_price"]


async def test_a_migration_that_fails_leaves_the_old_release_open_and_says_what_is_left(
    stage: Stage,
) -> None:
    """It is not atomic: what it did to the database stays, which must be said, and can be taken
    back by the safety backup."""
    await stage.ask("/deploy v4")
    message = await stage.ended("failed")
    assert "duplicate key" in message.plain
    await runs(stage, "v1")
    assert await stage.project.migrations() == ["0001_initial", "0002_hourly_price"]
    assert await stage.project.psql("select count(email) from servers_customer") == "29"
    assert "1 migration (servers.0002_hourly_price) stays applied" in message.plain, message.plain
    assert "/deploy rollback 1 --database" in message.plain
    assert "Still there: Safety backup" in message.plain, message.plain


async def test_a_release_that_never_gets_healthy_is_rolled_back_by_itself(stage: Stage) -> None:
    async with visiting(f"{stage.project.web_url}/") as visitor:
        await stage.ask("/deploy v5")
        message = await stage.ended("failed")
        await runs(stage, "v1")
        # While it was up, maintenance was on: nobody was shown the release that is not well.
        assert visitor.versions("GrandVPS v1", "GrandVPS v5") == ["GrandVPS v1"]
    assert "unhealthy" in message.plain or "healthz" in message.plain, message.plain


@pytest.mark.parametrize(
    ("tag", "reason"), [("v6", "requirements-payments.txt"), ("v7", "Welcome to GrandVPS")]
)
async def test_a_build_or_a_test_that_fails_changes_nothing(
    stage: Stage, tag: str, reason: str
) -> None:
    before = await stage.project.compose("ps", "--format", "{{.ID}}")
    async with visiting(f"{stage.project.web_url}/") as visitor:
        await stage.ask(f"/deploy {tag}")
        message = await stage.ended("failed")
        assert visitor.versions("GrandVPS v1", f"GrandVPS {tag}") == ["GrandVPS v1"]
    said = message.plain + "".join(
        stage.slack.file_bytes(each).decode() for each in stage.slack.files
    )
    assert reason in said
    await runs(stage, "v1")
    assert await stage.project.compose("ps", "--format", "{{.ID}}") == before
    # What comes up next is what ran before, not what was built.
    await stage.project.compose("up", "--detach", "--wait")
    await runs(stage, "v1")


async def test_a_dirty_tree_is_told_before_anything_begins(stage: Stage) -> None:
    changed = stage.project.directory / "servers/views.py"
    kept = changed.read_text() + "# tried out on the server\n"
    changed.write_text(kept)
    await stage.refused("/deploy v2", "servers/views.py")
    assert changed.read_text() == kept
    assert "GrandVPS v1" in await served(stage.project)


async def test_a_lock_keeps_deploys_waiting(stage: Stage, database_url: str) -> None:
    assert (await stage.alice.command("/deploy lock the sale is on", channel="ops")).acked
    bob = stage.slack.person("U0BOB00001")
    assert (await bob.command("/deploy v2", channel="ops")).acked
    view = await bob.wait_for_view(
        timeout=60, where=lambda each: each.definition.get("submit") is not None
    )
    await bob.submit(view)
    assert "the sale is on" in (await stage.told("grandvps is locked")).plain
    waiting = await stage.told("Deploy of v2")
    assert "the sale is on" in waiting.plain
    with psycopg.connect(database_url) as connection:
        states = connection.execute("select state from operations").fetchall()
    assert states == [("queued",)]
    assert "GrandVPS v1" in await served(stage.project)
    assert (await stage.alice.command("/deploy unlock", channel="ops")).acked
    await stage.ended("done")
    await runs(stage, "v2")
