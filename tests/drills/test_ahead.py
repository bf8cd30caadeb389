"""What is drilled where a clock has dated a set in the future."""

import pytest

from tests.backups.test_ahead import a_year_ahead, redated
from tests.drills.conftest import DrillBench


@pytest.mark.parametrize("wanted", ["", "latest"])
async def test_the_newest_is_one_that_is_dated_right(host: DrillBench, wanted: str) -> None:
    ghost = redated((await host.bench.make("database"))[0], a_year_ahead())
    plan = await host.drills.plan("grandvps", {"set": wanted})
    assert plan.facts["set"] == ghost.name  # rather than none
    path, _ = await host.bench.make("database")
    plan = await host.drills.plan("grandvps", {"set": wanted})
    assert plan.facts["set"] == path.name
