"""Drills of a real Compose project: a scratch server of production's image, and nothing left."""

import pytest

from tests.drills.conftest import DrillBench
from tests.drills.tools import scratch_containers
from tests.parts.compose_project import ComposeProject

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


async def test_a_good_set_is_proven_and_nothing_is_left(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    path, _ = await compose.bench.make()
    operation = await compose.good()
    assert operation.plan.facts["set"] == path.name
    assert operation.results()["drill.restore"]["tables"]["public.payments"] == 3000
    verdict = (await compose.results.verdicts(compose.bench.target))[path.name]
    assert verdict.good
    assert "6\N{NARROW NO-BREAK SPACE}000 rows in 4 tables as in the manifest" in verdict.summary
    assert await scratch_containers(grandvps) == []
    databases = await grandvps.psql("select datname from pg_database order by 1")
    assert databases.split() == ["grandvps_prod", "postgres", "template0", "template1"]
