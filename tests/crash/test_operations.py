"""`kill -9` in the middle of maintenance, a deploy and a restore: at every bound of a step, at
other calls and at any time. Data, page and message agree afterwards, and what was cut off can be
resumed or undone.

OPSBELL_CRASH=all takes every call, and OPSBELL_CRASH_SEED repeats a sample.
"""

import pytest

from tests.crash import scenarios_operations as scenarios
from tests.crash.campaign import Campaign
from tests.crash.judging import judge
from tests.crash.scenarios import Scenario


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "scenario",
    [scenarios.maintenance, scenarios.deploy, scenarios.restore],
    ids=lambda scenario: scenario.name,
)
async def test_data_page_and_message_agree(campaign: Campaign, scenario: Scenario) -> None:
    await judge(campaign, scenario, inside=0, outside=0.02, bounds=True, random=8)
