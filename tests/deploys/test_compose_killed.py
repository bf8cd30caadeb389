"""Opsbell is killed in the middle of a deploy of the Django project; people choose what follows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from tests.deploys.django_stage import LIMIT, Stage, django_target
from tests.parts.django_project.project import DjangoProject, served
from tests.parts.house import app_slack, running_opsbell, write_config

pytestmark = [
    pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git"),
    # Opsbell is started twice, on a machine that may be busy.
    pytest.mark.timeout(400),
]


@pytest.mark.parametrize(
    ("step", "choice", "runs", "state"),
    [("Build", "Undo", "v1", "undone"), ("Migrate", "Resume", "v3", "done")],
)
async def test_what_was_cut_off_is_told_and_goes_the_way_that_is_chosen(
    own_django: DjangoProject,
    tmp_path: Path,
    database_url: str,
    step: str,
    choice: str,
    runs: str,
    state: str,
) -> None:
    config = write_config(tmp_path, database_url, django_target(own_django, tmp_path / "backups"))
    async with app_slack() as slack:
        async with running_opsbell(config, slack) as process:
            stage = Stage(slack, own_django, config, process)
            await stage.ask("/deploy v3")
            # Not from Slack, which shows only some of the steps that take less than a second.
            async with asyncio.timeout(LIMIT):
                while standing(database_url) != f"during «{step}»":
                    await asyncio.sleep(0.01)
            await process.kill9()
        at = standing(database_url)
        async with running_opsbell(config, slack):
            message = await stage.ended("interrupted")
            assert f"Interrupted {at}" in message.plain, message.plain
            # Nothing of visitors' is at stake while people think: the old release is still up.
            assert "GrandVPS v1" in await served(own_django) or own_django.maintenance_file.exists()
            await stage.alice.click(message, choice)
            await slack.wait_for_message(
                channel="ops",
                where=lambda each: each.ts == message.ts and f" · {state}" in each.plain,
                timeout=LIMIT,
            )
        assert f"GrandVPS {runs}" in await served(own_django)
        assert own_django.revision == own_django.commit_of(runs)
        assert not own_django.maintenance_file.exists()
        assert len(await own_django.containers("web")) == 1


def standing(database_url: str) -> str:
    """Where the newest operation stands in Opsbell's database, as its message puts it."""
    running = (
        "select plan -> 'steps' -> position ->> 'title' from steps"
        " join operations on operations.id = operation"
        " where operation = (select max(id) from operations) and steps.state = 'running'"
    )
    with psycopg.connect(database_url) as connection:
        row = connection.execute(running).fetchone()
    return f"during «{row[0]}»" if row else "between two steps"
