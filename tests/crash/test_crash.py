"""`kill -9` at any moment leaves a state that the next start finishes, or names truthfully.

Every external call of posts, checklists and backups is listed, and the program is killed before
and after each. In a usual run, calls inside transactions are sampled; OPSBELL_CRASH=all takes
every one, and OPSBELL_CRASH_SEED repeats a sample.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.crash import scenarios
from tests.crash.campaign import Campaign, chosen, templates
from tests.crash.nursery import open_nursery
from tests.crash.scenarios import Scenario
from tests.parts.compose_project import ComposeProject
from tests.parts.postgres import PostgresServer


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    with templates(postgres):
        yield postgres


@pytest.fixture
async def campaign(server: PostgresServer, tmp_path: Path) -> AsyncIterator[Campaign]:
    async with open_nursery() as nursery:
        yield Campaign(nursery, server, tmp_path)


async def judge(campaign: Campaign, scenario: Scenario, share: float) -> None:
    choose, seed = chosen()
    report = await campaign.run(scenario, choose, share)
    print(f"OPSBELL_CRASH_SEED={seed} {report}")
    reached = [result for result in report.results if result.was_reached]
    assert not any(result.problem for result in report.results), report
    assert len(reached) > 0.8 * len(report.results), report


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "scenario",
    [scenarios.posting, scenarios.ticking, scenarios.posts],
    ids=lambda scenario: scenario.name,
)
async def test_nothing_is_lost_or_doubled(campaign: Campaign, scenario: Scenario) -> None:
    await judge(campaign, scenario, share=0.2)


@pytest.mark.timeout(1800)
async def test_no_half_backup(campaign: Campaign) -> None:
    await judge(campaign, scenarios.host_backup, share=0.1)


@pytest.mark.timeout(1800)
@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_no_half_backup_of_a_compose_project(
    campaign: Campaign, grandvps: ComposeProject
) -> None:
    await judge(campaign, scenarios.compose_backup(grandvps), share=0.05)
