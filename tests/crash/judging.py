"""How a campaign is sampled and judged.

A run takes the same sample each time, so that what it says of a change is said of the change;
OPSBELL_CRASH_SEED=any takes one that was never tried, and a number repeats that.
"""

import os
import secrets
from collections.abc import Callable

from tests.crash.campaign import Campaign, Sample
from tests.crash.scenarios import Scenario

USUAL_SEED = 4711

Record = Callable[[str, object], None]


async def judge(
    campaign: Campaign,
    scenario: Scenario,
    inside: float,
    outside: float = 1,
    *,
    record: Record,
    bounds: bool = False,
    random: int = 0,
    at_least: int = 1,
) -> None:
    """Runs the sample of a scenario and records its report, which the run of all tests ends with.
    Raises AssertionError with the report where a promise was broken, or where fewer kills than
    `at_least` struck."""
    wanted = os.environ.get("OPSBELL_CRASH_SEED") or USUAL_SEED
    seed = secrets.randbelow(10**6) if wanted == "any" else int(wanted)
    everything = os.environ.get("OPSBELL_CRASH") == "all"
    shares = (1.0, 1.0) if everything else (inside, outside)
    sample = Sample(seed, *shares, bounds=bounds, random=random)
    report = await campaign.run(scenario, sample)
    record("crash", f"OPSBELL_CRASH_SEED={seed} {report}")
    reached = [result for result in report.results if result.was_reached]
    assert not any(result.problem for result in report.results), f"seed {seed}: {report}"
    # Some calls of the listed run are made in few others; that hardly any is would be a defect.
    assert len(reached) > len(report.results) / 2, f"seed {seed}: {report}"
    assert len(reached) >= at_least, f"seed {seed}: {report}"
