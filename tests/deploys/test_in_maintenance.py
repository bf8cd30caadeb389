"""Deploys of what somebody has put into maintenance, with the page before the health URL too."""

from __future__ import annotations

from typing import Any

import pytest

from bot.operations.states import OperationState
from tests.deploys.bench import Bench
from tests.deploys.conftest import MIGRATIONS, Site

pytestmark = pytest.mark.needs("git")


@pytest.fixture
def settings(settings: dict[str, Any], site: Site) -> dict[str, Any]:
    """The health URL is a page that visitors see, so maintenance closes it."""
    settings["targets"]["grandvps"]["health"]["url"] = f"http://127.0.0.1:{site.port}/"
    return settings


async def test_a_deploy_in_a_maintenance_of_somebody_else_succeeds_and_leaves_it_on(
    host: Bench, site: Site
) -> None:
    file = site.directory / "maintenance_mode.txt"
    file.touch()
    operation = await host.deploy("v1.5.0")
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert site.applied() == [*MIGRATIONS, "0003_ticket_priority"]
    notes = [step.note for step in operation.steps]
    assert "the health URL is behind the maintenance page" in notes[0]
    healthy = [s.note for s in operation.steps if s.planned.kind == "deploy.healthy"]
    assert len(healthy) == 2
    assert all("is behind the maintenance page" in note for note in healthy)
    assert file.read_text() == ""
    file.unlink()
    assert await site.runs("1.5.0")


async def test_without_a_maintenance_of_before_visitors_have_to_meet_it(
    host: Bench, site: Site
) -> None:
    operation = await host.deploy("v1.4.1")
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    first, last = (s.note for s in operation.steps if s.planned.kind == "deploy.healthy")
    assert "is behind the maintenance page" in first
    assert "answered 200" in last
