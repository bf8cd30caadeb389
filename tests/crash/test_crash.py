"""`kill -9` at any moment leaves a state that the next start finishes, or names truthfully.

Every external call of posts, checklists and backups is listed, and the program is killed before
and after each. In a usual run, calls inside transactions are sampled; OPSBELL_CRASH=all takes
every one; for samples see `judging`.
"""

import pytest

from tests.crash import scenarios
from tests.crash.campaign import Campaign
from tests.crash.judging import Record, judge
from tests.crash.scenarios import Scenario
from tests.parts.compose_project import ComposeProject


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "scenario",
    [scenarios.posting, scenarios.ticking, scenarios.posts],
    ids=lambda scenario: scenario.name,
)
async def test_nothing_is_lost_or_doubled(
    campaign: Campaign, record_property: Record, scenario: Scenario
) -> None:
    await judge(campaign, scenario, inside=0.05, record=record_property)


@pytest.mark.timeout(1800)
async def test_no_half_backup(campaign: Campaign, record_property: Record) -> None:
    await judge(campaign, scenarios.host_backup, inside=0.03, outside=0.2, record=record_property)


@pytest.mark.timeout(1800)
@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_no_half_backup_of_a_compose_project(
    campaign: Campaign, record_property: Record, grandvps: ComposeProject
) -> None:
    scenario = scenarios.compose_backup(grandvps)
    await judge(campaign, scenario, inside=0.01, outside=0.06, record=record_property)
