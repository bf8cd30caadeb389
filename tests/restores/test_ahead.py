"""`latest` is no set that a clock has dated in the future."""

import pytest

from bot.errors import NotFound
from tests.backups.test_ahead import a_year_ahead, redated
from tests.restores.bench import Bench


async def test_the_latest_is_one_that_is_dated_right(host: Bench) -> None:
    ghost = redated((await host.backups.make("database"))[0], a_year_ahead())
    wanted = {"set": "latest", "parts": ["database"]}
    with pytest.raises(NotFound) as raised:
        await host.restores.plan(host.target, wanted)
    assert f"{ghost.name} (dated in the future)" in raised.value.hint
    path, _ = await host.backups.make("database")
    plan = await host.restores.plan(host.target, wanted)
    assert plan.facts["set"] == path.name
    assert f"{ghost.name} (dated in the future)" in plan.notes[0]
    plan = await host.restores.plan(host.target, wanted | {"set": ghost.name})
    assert plan.facts["set"] == ghost.name
