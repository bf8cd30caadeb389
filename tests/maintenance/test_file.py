"""The maintenance file on this machine."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from bot.errors import Failed
from bot.maintenance.file import FileHere
from bot.maintenance.notice import Notice
from tests.maintenance.test_notice import FULL


async def test_it_is_made_replaced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "maintenance_mode.txt"
    file = FileHere(path)
    assert await file.read() is None
    await file.put(FULL)
    assert await file.read() == FULL
    assert path.stat().st_mode & 0o777 == 0o644
    await file.put(Notice(target="grandvps"))
    assert await file.read() == Notice(target="grandvps")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert await file.remove() is True
    assert await file.remove() is False


async def test_a_cancelled_caller_waits_until_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what undoes it could look before it appears, and it would stay for ever."""
    slow, real = 0.3, os.fsync

    def fsync(number: int) -> None:
        time.sleep(slow)
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path / "maintenance_mode.txt"
    putting = asyncio.create_task(FileHere(path).put(FULL))
    await asyncio.sleep(slow / 3)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert path.exists()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


async def test_what_is_left_of_a_killed_process_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".maintenance_mode.txt.opsbell").write_text("half")
    await FileHere(tmp_path / "maintenance_mode.txt").put(FULL)
    assert [each.name for each in tmp_path.iterdir()] == ["maintenance_mode.txt"]


async def test_what_the_disk_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="No such file or directory"):
        await FileHere(tmp_path / "gone" / "maintenance_mode.txt").put(FULL)
    (tmp_path / "maintenance_mode.txt").mkdir()
    with pytest.raises(Failed, match="Is a directory"):
        await FileHere(tmp_path / "maintenance_mode.txt").remove()
