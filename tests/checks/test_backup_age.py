"""The age of the newest backup."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.checks.model import Reading, State
from bot.errors import Refused
from tests.checks.places import checks_of
from tests.targets.places import host_settings

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
CHECK = {"kind": "backup_age", "target": "grandvps"}


async def read(tmp_path: Path, newest: datetime | None) -> Reading:
    async def newest_backup(target: str) -> datetime | None:
        assert target == "grandvps"
        return newest

    async with checks_of(
        {"backup": CHECK}, host_settings(tmp_path), newest_backup=newest_backup, now=lambda: NOW
    ) as checks:
        return await checks.read("backup")


@pytest.mark.parametrize(
    ("hours", "state", "summary"),
    [
        (9, State.OK, "last good backup 9 h ago"),
        (26, State.WARNING, "last good backup 1 d 2 h ago (limit 1 d 2 h)"),
        (51, State.CRITICAL, "last good backup 2 d 3 h ago (limit 2 d 2 h)"),
    ],
)
async def test_ages(tmp_path: Path, hours: int, state: State, summary: str) -> None:
    reading = await read(tmp_path, NOW - timedelta(hours=hours))
    assert (reading.state, reading.summary) == (state, summary)
    assert (reading.value, reading.unit) == (hours, "h")


async def test_no_backup_at_all_is_critical(tmp_path: Path) -> None:
    reading = await read(tmp_path, None)
    assert (reading.state, reading.summary) == (State.CRITICAL, "there is no good backup yet")


async def test_a_target_without_backups_is_unknown(tmp_path: Path) -> None:
    async def refused(target: str) -> datetime | None:
        raise Refused(f"{target} has no backups.", hint="Add backups.grandvps.")

    target = host_settings(tmp_path)
    async with checks_of({"backup": CHECK}, target, newest_backup=refused) as checks:
        reading = await checks.read("backup")
    assert (reading.state, reading.summary) == (State.UNKNOWN, "grandvps has no backups.")
    async with checks_of({"backup": CHECK}, target) as checks:
        assert (await checks.read("backup")).state is State.UNKNOWN
