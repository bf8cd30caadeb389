"""What a check finds on a target in maintenance says so."""

from __future__ import annotations

from typing import Any

from bot.checks.model import State
from bot.checks.service import Checks
from bot.config.settings import Settings
from bot.targets.targets import Targets
from tests.maintenance.conftest import Bench, settings_of
from tests.maintenance.page import Page


async def test_it_says_so_where_it_is_not_well(bench: Bench, page: Page) -> None:
    checks: dict[str, Any] = {
        "page": {"kind": "http", "url": f"{page.url}start"},
        "closed": {"kind": "http", "url": page.url, "expect": 503},
        "disk": {"kind": "disk", "path": "/", "warn": 0.001, "crit": 100},
        "elsewhere": {"kind": "http", "url": "http://127.0.0.1:9/"},
    }
    settings = Settings.model_validate(settings_of(bench.directory, page) | {"checks": checks})
    async with Targets(settings) as targets:
        reader = Checks(settings, targets, in_maintenance=bench.maintenance.is_on_now)
        before = await reader.read_many(checks)
        await bench.on()
        during = await reader.read_many(checks)
        await reader.close()
    assert before["page"].state is State.OK
    assert "is in maintenance" not in "".join(each.summary for each in before.values())
    assert during["page"].state is State.CRITICAL
    assert during["page"].summary.endswith(
        "answered 503 instead of 200 (grandvps is in maintenance)"
    )
    assert during["closed"].state is State.OK
    assert "maintenance" not in during["closed"].summary
    assert "maintenance" not in during["disk"].summary
    assert "maintenance" not in during["elsewhere"].summary


async def test_where_the_record_cannot_be_asked_the_reading_stands(
    bench: Bench, page: Page
) -> None:
    await bench.database.execute("alter table maintenances rename to gone")
    assert await bench.maintenance.is_on_now("grandvps") is False
