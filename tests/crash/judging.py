"""How a campaign is sampled and judged."""

import os
import secrets

from tests.crash.campaign import Campaign, Sample
from tests.crash.scenarios import Scenario


async def judge(
    campaign: Campaign,
    scenario: Scenario,
    inside: float,
    outside: float = 1,
    *,
    bounds: bool = False,
    random: int = 0,
) -> None:
    """Runs the sample of a scenario. Raises AssertionError with the report where a promise was
    broken."""
    seed = int(os.environ.get("OPSBELL_CRASH_SEED") or secrets.randbelow(10**6))
    everything = os.environ.get("OPSBELL_CRASH") == "all"
    shares = (1.0, 1.0) if everything else (inside, outside)
    sample = Sample(seed, *shares, bounds=bounds, random=random)
    report = await campaign.run(scenario, sample)
    print(f"OPSBELL_CRASH_SEED={seed}\n{report}")
    reached = [result for result in report.results if result.was_reached]
    assert not any(result.problem for result in report.results), f"seed {seed}: {report}"
    # Some calls of the listed run are made in few others; that hardly any is would be a defect.
    assert len(reached) > len(report.results) / 2, f"seed {seed}: {report}"
