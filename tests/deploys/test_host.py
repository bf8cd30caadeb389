"""Deploys to an application on this machine."""

from __future__ import annotations

import pytest

from bot.operations.model import OperationState, StepState
from tests.deploys.bench import Bench
from tests.deploys.conftest import MIGRATIONS, Site

pytestmark = pytest.mark.needs("git")


async def test_a_good_release_runs_afterwards(host: Bench, site: Site) -> None:
    operation = await host.deploy("v1.4.1")
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert await site.runs("1.4.1")
    assert await site.git("describe", "--tags") == "v1.4.1"
    assert not (site.directory / "maintenance_mode.txt").exists()


async def test_a_release_with_a_migration_tells_which_it_applied(host: Bench, site: Site) -> None:
    operation = await host.deploy("v1.5.0")
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert await site.runs("1.5.0")
    assert site.applied() == [*MIGRATIONS, "0003_ticket_priority"]
    migrated = operation.results()["deploy.migrate"]
    assert migrated["applied"] == [["grandvps", "0003_ticket_priority"]]
    assert operation.results()["backup.publish"]["set"]


async def test_one_that_never_gets_healthy_is_taken_back_by_itself(host: Bench, site: Site) -> None:
    operation = await host.deploy("v1.6.0")
    assert operation.state is OperationState.FAILED
    assert "could not be undone" not in operation.error
    assert await site.runs("1.4.0")
    assert await site.git("describe", "--tags") == "v1.4.0"
    assert await site.git("status", "--porcelain", "--untracked-files=no") == ""
    assert not (site.directory / "maintenance_mode.txt").exists()
    states = {step.planned.title: step.state for step in operation.steps}
    assert states["Watch"] is StepState.OPEN
