"""What the doctor sees of backups, beyond the mistakes of newcomers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.backups.catalogue import Catalogue
from bot.doctor import backups
from bot.words import utc_now
from tests.backups.test_catalogue import put
from tests.backups.test_model import manifest
from tests.doctor.examining import findings, told


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """The store of the target shop, made as a backup makes it."""
    (tmp_path / "shop" / "media").mkdir(parents=True)
    store = tmp_path / "backups" / "shop"
    store.mkdir(parents=True, mode=0o700)
    return Catalogue(store)


def document(tmp_path: Path, **policy: Any) -> dict[str, Any]:
    """The target shop, whose media are backed up."""
    target = {"runtime": "host", "directory": str(tmp_path / "shop"), "files": {"media": "media"}}
    sound = {"include": ["media"], "store": {"directory": str(tmp_path / "backups")}}
    return {"targets": {"shop": target}, "backups": {"shop": sound | policy}}


async def test_a_store_with_a_fresh_backup_is_well(catalogue: Catalogue, tmp_path: Path) -> None:
    put(catalogue, manifest(utc_now() - timedelta(hours=3), media=5000))
    found = await findings(backups.examine, tmp_path, document(tmp_path, schedule="0 2 * * *"))
    assert [each for each in told(found) if not each.startswith("✅")] == []
    assert [each.subject for each in found] == ["Store", "Room", "Newest backup"]
    assert "about 6.0 kB needed for one backup" in found[1].says
    assert "3 h ago" in found[2].says


async def test_a_backup_that_is_overdue(catalogue: Catalogue, tmp_path: Path) -> None:
    put(catalogue, manifest(utc_now() - timedelta(days=9), media=5000))
    found = await findings(backups.examine, tmp_path, document(tmp_path, schedule="0 2 * * *"))
    newest = told(found)[-1]
    assert newest.startswith("⚠️ Newest backup: ")
    assert newest.endswith(" ago. Look whether opsbell run runs, or make one: opsbell backup now")
    assert "one was due 8 d" in newest


async def test_without_a_schedule_no_backup_is_overdue(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    put(catalogue, manifest(utc_now() - timedelta(days=9), media=5000))
    found = await findings(backups.examine, tmp_path, document(tmp_path))
    assert told(found)[-1].startswith("✅ Newest backup: ")


async def test_what_killed_backups_left_and_what_cannot_be_trusted(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    put(catalogue, manifest(utc_now() - timedelta(hours=3), media=5000))
    broken = put(catalogue, manifest(utc_now() - timedelta(hours=2), media=5000))
    (broken / "media.tar.zst").write_bytes(b"")
    catalogue.partial("20261122T020000Z").mkdir()
    found = told(await findings(backups.examine, tmp_path, document(tmp_path)))
    assert found[2] == (
        f"⚠️ Sets: 1 set cannot be trusted: {broken.name}: media.tar.zst has 0 bytes instead of "
        f"5000. Look into {broken}; remove it once it is of no use."
    )
    assert found[4] == (
        "✅ Unfinished: 1 unfinished set: of a backup that runs, or was killed. The next backup "
        "removes it."
    )


async def test_a_store_that_others_can_look_into(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.directory.chmod(0o755)
    found = told(await findings(backups.examine, tmp_path, document(tmp_path)))
    assert found[0] == (
        f"⚠️ Store: {catalogue.directory} has mode 755: others can look into the backups. "
        f"Run: chmod 700 {catalogue.directory}"
    )
    assert found[1].startswith("✅ Room: ")


async def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    (tmp_path / "shop" / "media").mkdir(parents=True)
    found = told(await findings(backups.examine, tmp_path, document(tmp_path)))
    store = tmp_path / "backups"
    assert found[0] == f"✅ Store: {store}/shop is made by the first backup."
    assert found[2] == "⚠️ Newest backup: There is none yet. Make one: opsbell backup now"
    assert not store.exists()
    assert {each.name for each in tmp_path.iterdir()} == {"opsbell.yaml", "shop"}


async def test_what_cannot_be_measured_is_said(catalogue: Catalogue, tmp_path: Path) -> None:
    changed = document(tmp_path, include=["media", "database"])
    changed["targets"]["shop"]["database"] = {"url": "postgresql://app@127.0.0.1:1/shop"}
    found = told(await findings(backups.examine, tmp_path, changed))
    assert found[1].startswith("⚫ Room: ")
    assert found[1].endswith("needed for one backup without database.")
