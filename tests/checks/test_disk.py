"""Disk usage as df shows it."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

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


class HungShare:
    """A file system that does not answer, as a network share whose server is away."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()

    def usage(self, path: str) -> Any:
        self.asked += 1
        self.answers.wait()
        return _DISK_USAGE(path)


_DISK_USAGE = psutil.disk_usage


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[HungShare]:
    share = HungShare()
    monkeypatch.setattr(psutil, "disk_usage", share.usage)
    yield share
    share.answers.set()


async def test_one_that_hangs_is_not_asked_again_until_it_has_answered(hung: HungShare) -> None:
    disk = {"kind": "disk", "path": "/", "warn": 100, "crit": 100, "timeout": "1s"}
    async with checks_of({"disk": disk}) as checks:
        assert (await checks.read("disk")).summary == "no answer within 1.0 s"
        waits = "the look before this one has not ended yet"
        for _ in range(3):
            assert (await checks.read("disk")).summary == waits
        assert hung.asked == 1
        hung.answers.set()
        async with asyncio.timeout(60):
            while (reading := await checks.read("disk")).summary == waits:
                await asyncio.sleep(0.02)
        assert reading.state is State.OK
        assert hung.asked == 2


async def test_one_that_hangs_does_not_hold_up_the_end(hung: HungShare) -> None:
    disk = {"kind": "disk", "path": "/", "timeout": "1s"}
    async with asyncio.timeout(60):
        async with checks_of({"disk": disk}) as checks:
            await checks.read("disk")
    assert not hung.answers.is_set()
