"""Sets that a clock has dated in the future: none is the newest, and none silences a check."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from bot.backups import view
from bot.backups.catalogue import Catalogue
from bot.backups.model import set_names
from bot.checks.backup_age import look_at_backup_age
from bot.checks.model import State
from bot.config.checks import BackupAgeCheck
from bot.doctor import backups
from bot.words import utc_now
from tests.backups.conftest import Bench
from tests.backups.test_catalogue import put
from tests.backups.test_model import manifest
from tests.doctor.examining import findings, told


def redated(path: Path, started: datetime) -> Path:
    """A set as it were if the clock had shown another time."""
    name = next(set_names(started))
    said = json.loads((path / "manifest.json").read_text())
    said |= {"id": name, "started": started.isoformat(), "finished": started.isoformat()}
    (path / "manifest.json").write_text(json.dumps(said))
    return path.rename(path.with_name(name))


def a_year_ahead() -> datetime:
    return utc_now() + timedelta(days=365)


async def test_the_newest_is_one_that_is_dated_right(host: Bench) -> None:
    ghost = redated((await host.make())[0], a_year_ahead())
    assert await host.backups.newest(host.target) is None
    assert (await host.backups.find(host.target, "latest")).id == ghost.name
    path, true = await host.make()
    assert await host.backups.newest(host.target) == true.finished
    assert (await host.backups.find(host.target, "latest")).id == path.name
    assert (await host.backups.find(host.target, ghost.name)).good
    sets = await host.backups.sets(host.target)
    assert [one.id for one in sets] == [ghost.name, path.name]
    assert path.name in view.newest(host.target, sets, utc_now())


async def test_clocks_that_are_a_little_apart_are_no_matter(host: Bench) -> None:
    path = redated((await host.make())[0], utc_now() + timedelta(minutes=2))
    assert await host.backups.newest(host.target)
    assert path.name in view.newest(host.target, await host.backups.sets(host.target), utc_now())


async def test_it_does_not_hide_that_backups_have_stopped(host: Bench) -> None:
    redated((await host.make())[0], utc_now() - timedelta(days=4))
    redated((await host.make())[0], a_year_ahead())
    check = BackupAgeCheck(kind="backup_age", target=host.target)
    found = await look_at_backup_age(check, host.backups.newest, utc_now())
    assert found.state is State.CRITICAL
    assert "last good backup 4 d" in found.summary


async def test_the_doctor_tells_of_it_and_of_the_newest_beside_it(tmp_path: Path) -> None:
    (tmp_path / "shop" / "media").mkdir(parents=True)
    store = tmp_path / "backups" / "shop"
    store.mkdir(parents=True, mode=0o700)
    ghost = put(Catalogue(store), manifest(a_year_ahead(), media=5000))
    put(Catalogue(store), manifest(utc_now() - timedelta(days=9), media=5000))
    document = {
        "targets": {
            "shop": {
                "runtime": "host",
                "directory": str(tmp_path / "shop"),
                "files": {"media": "media"},
            }
        },
        "backups": {
            "shop": {
                "include": ["media"],
                "store": {"directory": str(tmp_path / "backups")},
                "schedule": "0 2 * * *",
            }
        },
    }
    *_, dated, newest = told(await findings(backups.examine, tmp_path, document))
    assert dated.startswith(f"⚠️ Sets: 1 set dated in the future, {ghost.name} the furthest.")
    assert newest.startswith("⚠️ Newest backup: ")
    assert "one was due 8 d" in newest
