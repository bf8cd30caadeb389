"""Disk usage as df shows it."""

from pathlib import Path

import psutil

from bot.checks.model import State
from tests.checks.places import checks_of


async def test_used_space(tmp_path: Path) -> None:
    used = psutil.disk_usage(str(tmp_path)).percent
    disk = {"kind": "disk", "path": str(tmp_path)}
    async with checks_of(
        {
            "ok": disk | {"warn": 99.9, "crit": 100},
            "warn": disk | {"warn": 0.001, "crit": 100},
            "crit": disk | {"warn": 0.001, "crit": 0.001},
        }
    ) as checks:
        readings = await checks.read_many(["ok", "warn", "crit"])
    assert [readings[name].state for name in ("ok", "warn", "crit")] == [
        State.OK,
        State.WARNING,
        State.CRITICAL,
    ]
    reading = readings["warn"]
    assert reading.value is not None
    assert abs(reading.value - used) < 2
    assert reading.unit == "%"
    assert reading.summary.startswith(f"{reading.value:.0f} % of {tmp_path} used, ")
    assert reading.summary.endswith("B free (limit 0 %)")


async def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    async with checks_of(
        {
            "gone": {"kind": "disk", "path": str(tmp_path / "gone")},
            "below": {"kind": "disk", "path": str(file / "below")},
        }
    ) as checks:
        gone, below = (await checks.read_many(["gone", "below"])).values()
    assert (gone.state, gone.value) == (State.UNKNOWN, None)
    assert gone.summary == f"The path {tmp_path / 'gone'} does not exist."
    assert below.summary == f"{file / 'below'} cannot be looked at: Not a directory."
