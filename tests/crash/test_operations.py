"""`kill -9` in the middle of maintenance, a deploy and a restore: at every bound of a step, at
other calls and at any time. Data, page and message agree afterwards, and what was cut off can be
resumed or undone. At least a hundred kills in all, besides those of backups in `test_crash`.

OPSBELL_CRASH=all takes every call; for samples see `judging`.
"""

import pytest

from tests.crash import scenarios_operations as scenarios
from tests.crash.campaign import Campaign
from tests.crash.judging import Record, judge
from tests.crash.scenarios import Scenario


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("scenario", "kills"),
    [(scenarios.maintenance, 20), (scenarios.deploy, 50), (scenarios.restore, 30)],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_data_page_and_message_agree(
    campaign: Campaign, record_property: Record, scenario: Scenario, kills: int
) -> None:
    await judge(
        campaign,
        scenario,
        inside=0,
        outside=0.02,
        record=record_property,
        bounds=True,
        random=8,
        at_least=kills,
    )
