"""What the doctor sees of restore drills."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.backups.catalogue import Catalogue
from bot.doctor import backups
from bot.operations.plan import Plan
from bot.operations.store import insert
from bot.store.database import Database
from bot.words import utc_now
from tests.backups.test_catalogue import put
from tests.backups.test_model import manifest
from tests.doctor.examining import findings, told
from tests.doctor.test_backups import document

WEEKLY = "0 4 * * sun"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    (tmp_path / "shop" / "media").mkdir(parents=True)
    store = tmp_path / "backups" / "shop"
    store.mkdir(parents=True, mode=0o700)
    return Catalogue(store)


async def seen(tmp_path: Path, database: Database, verify: str | None = WEEKLY) -> list[str]:
    """What is said of drills."""
    policy = {"verify": verify} if verify else {}
    configured = document(tmp_path, **policy) | {"database": database.url}
    found = told(await findings(backups.examine, tmp_path, configured))
    return [each for each in found if "Restore drill" in each]


async def drilled(database: Database, set_id: str, at: datetime, *, good: bool = True) -> None:
    """Keeps what a drill has found."""
    async with database.transaction() as tx:
        plan = Plan("verify", "Restore drill", "shop", ())
        number = await insert(tx, plan, actor="opsbell", reason="schedule", request_key=None)
        await tx.execute(
            "insert into drills (operation, target, set_id, good, summary, actor, at)"
            " values (%s, 'shop', %s, %s, 'public.users is missing', 'opsbell', %s)",
            (number, set_id, good, at),
        )


async def test_what_came_back_whole_lately_is_well(
    catalogue: Catalogue, tmp_path: Path, database: Database
) -> None:
    path = put(catalogue, manifest(utc_now() - timedelta(days=3), media=5000))
    await drilled(database, path.name, utc_now() - timedelta(hours=2))
    assert await seen(tmp_path, database) == [
        f"✅ Restore drill: {path.name} came back whole, 2 h ago."
    ]
    assert len(await seen(tmp_path, database, verify=None)) == 1


async def test_a_drill_that_failed_is_wrong_until_one_passes(
    catalogue: Catalogue, tmp_path: Path, database: Database
) -> None:
    path = put(catalogue, manifest(utc_now() - timedelta(days=3), media=5000))
    await drilled(database, path.name, utc_now() - timedelta(hours=2), good=False)
    (failed,) = await seen(tmp_path, database, verify=None)
    assert failed == (
        f"🔴 Restore drill: {path.name} failed 2 h ago: public.users is missing."
        " Make a new backup, then prove it: opsbell backup verify"
    )
    await drilled(database, path.name, utc_now())
    assert (await seen(tmp_path, database))[0].startswith("✅ ")


async def test_drills_that_are_not_made_any_more(
    catalogue: Catalogue, tmp_path: Path, database: Database
) -> None:
    path = put(catalogue, manifest(utc_now() - timedelta(days=30), media=5000))
    (never,) = await seen(tmp_path, database)
    assert never.startswith("⚠️ Restore drill: There was none yet; one was due ")
    await drilled(database, path.name, utc_now() - timedelta(days=20))
    (late,) = await seen(tmp_path, database)
    assert late.startswith("⚠️ Restore drill: The last one passed 20 d ago; one was due ")
    assert late.endswith("Look whether opsbell run runs, or: opsbell backup verify")


async def test_nothing_is_said_without_a_schedule_a_backup_or_a_database(
    catalogue: Catalogue, tmp_path: Path, database: Database
) -> None:
    assert await seen(tmp_path, database) == []
    put(catalogue, manifest(utc_now() - timedelta(days=30), media=5000))
    assert await seen(tmp_path, database, verify=None) == []
    configured = document(tmp_path, verify=WEEKLY)
    found = told(await findings(backups.examine, tmp_path, configured))
    assert not [each for each in found if "Restore drill" in each]
