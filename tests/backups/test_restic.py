"""Sets in a real restic repository."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.backups.model import Manifest
from bot.backups.restic import Restic
from bot.config.load import load
from bot.errors import Failed, NotFound, OpsbellError
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.backups.conftest import Bench, host_settings, open_bench
from tests.backups.sample import make_application
from tests.backups.tools import unpack

pytestmark = pytest.mark.needs("restic")

PASSWORD = "a password of the repository"


def restic_settings(
    tmp_path: Path, url: str, *, repository: str = "", password: str = PASSWORD
) -> dict[str, Any]:
    """A target on this machine whose sets go into a restic repository."""
    settings = host_settings(tmp_path / "application", url, tmp_path / "store")
    restic = {"repository": repository or str(tmp_path / "repository"), "password": password}
    settings["backups"]["grandvps"]["store"] = {"restic": restic}
    settings["data"] = tmp_path / "data"
    return settings


@pytest.fixture
async def bench(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> AsyncIterator[Bench]:
    """Backups of an application on this machine into a local repository."""
    make_application(tmp_path / "application")
    async with open_bench(restic_settings(tmp_path, application_url), database, queue) as bench:
        yield bench


@contextlib.asynccontextmanager
async def changed(bench: Bench, tmp_path: Path, url: str, **settings: str) -> AsyncIterator[Bench]:
    """The same with another repository or password."""
    other = restic_settings(tmp_path, url, **settings)
    queue = Queue(bench.database)
    await queue.open()
    async with open_bench(other, bench.database, queue) as opened:
        yield opened


def environment(tmp_path: Path) -> dict[str, str]:
    """A person's own way into the repository."""
    return os.environ | {
        "RESTIC_REPOSITORY": str(tmp_path / "repository"),
        "RESTIC_PASSWORD": PASSWORD,
        "RESTIC_CACHE_DIR": str(tmp_path / "cache"),
    }


def restic(tmp_path: Path, *argv: str, directory: Path | None = None) -> str:
    """What a person's own restic says of the repository."""
    done = subprocess.run(
        ["restic", *argv],
        env=environment(tmp_path),
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def snapshots(tmp_path: Path) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = json.loads(restic(tmp_path, "snapshots", "--json"))
    return found


async def make(bench: Bench, *include: str) -> Manifest:
    """A backup that has to go well."""
    operation = await bench.run(*include)
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    found = await bench.backups.find(bench.target, operation.results()["backup.publish"]["set"])
    assert found.good, found.trouble
    assert found.path is None
    return found.good


async def test_a_relative_repository_lies_beside_the_configuration(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> None:
    make_application(tmp_path / "application")
    settings = restic_settings(tmp_path, application_url, repository="./repository")
    config = tmp_path / "opsbell.yaml"
    config.write_text(json.dumps(settings, default=str))
    async with open_bench(dict(load(config, {})), database, queue) as bench:
        manifest = await make(bench, "logs")
    assert [each["paths"] for each in snapshots(tmp_path)]
    assert manifest.id in snapshots(tmp_path)[0]["tags"]


async def failed(bench: Bench) -> Operation:
    """A backup that has to fail, and leaves nothing."""
    operation = await bench.run("logs")
    assert operation.state is OperationState.FAILED
    assert [path.name for path in bench.store.glob(".partial-*")] == []
    return operation


async def test_a_set_is_one_snapshot_that_anyone_can_restore(bench: Bench, tmp_path: Path) -> None:
    operation = await bench.run()
    assert operation.state is OperationState.DONE, operation.error
    assert operation.steps[0].note.startswith("new restic repository, ")
    [snapshot] = snapshots(tmp_path)
    [found] = await bench.backups.sets(bench.target)
    assert found.good
    assert snapshot["tags"] == ["opsbell", "grandvps", found.id]
    assert found.snapshots == (snapshot["id"],)
    assert snapshot["time"].startswith(found.good.started.strftime("%Y-%m-%dT%H:%M:%S"))
    restic(tmp_path, "restore", snapshot["id"], "--target", str(tmp_path / "by-hand"))
    for file in found.good.files:
        data = (tmp_path / "by-hand" / file.path).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
    assert {path.name for path in (tmp_path / "by-hand").iterdir()} == {
        "manifest.json",
        *(file.path for file in found.good.files),
    }
    # Nothing of it stays on this machine but what was read of it.
    assert [path.name for path in bench.store.iterdir()] == ["manifests"]


async def test_files_that_were_there_before_take_no_room_again(
    bench: Bench, tmp_path: Path
) -> None:
    """Pictures, which do not compress; a new one comes before all the others in the archive."""
    media = tmp_path / "application" / "media"
    for number in range(24):
        (media / f"picture {number:02}").write_bytes(os.urandom(1_500_000))
    await make(bench, "media")
    before = _size(tmp_path / "repository")
    (media / "a new picture").write_bytes(os.urandom(1_500_000))
    await make(bench, "media")
    assert before > 36_000_000
    grown = _size(tmp_path / "repository") - before
    print(f"36 MB of pictures, 1.5 MB more: the repository grew by {grown / 1e6:.1f} MB")
    assert grown < 12_000_000


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


async def test_parts_are_fetched_and_gone_afterwards(bench: Bench, tmp_path: Path) -> None:
    manifest = await make(bench)
    async with bench.backups.fetched(bench.target, "latest", ["media"]) as directory:
        names = {path.name for path in directory.iterdir()}
        assert names == {"media.tar.zst", "globals.sql", "RESTORE.md", "manifest.json"}
        unpack(directory / "media.tar.zst", tmp_path / "unpacked")
    assert not directory.exists()
    async with bench.backups.fetched(bench.target, manifest.id) as directory:
        assert {path.name for path in directory.iterdir()} == {
            "manifest.json",
            *(file.path for file in manifest.files),
        }
    with pytest.raises(NotFound):
        async with bench.backups.fetched(bench.target, "1999"):
            pass


async def test_a_set_that_does_not_fit_here_is_not_fetched(bench: Bench) -> None:
    await make(bench, "logs")
    found = await bench.backups.find(bench.target, "latest")
    assert found.manifest
    huge = tuple(f.model_copy(update={"size": 1 << 60}) for f in found.manifest.files)
    larger = replace(found, manifest=found.manifest.model_copy(update={"files": huge}))
    with pytest.raises(Failed, match="Not enough space"):
        async with bench.backups.store(bench.target).fetched(larger):
            pass


async def test_old_ones_are_forgotten_and_their_data_removed(bench: Bench, tmp_path: Path) -> None:
    for _ in range(3):
        await make(bench, "logs")
    operation = await bench.run("logs")
    assert operation.steps[-1].note.startswith("1 old backup removed")
    assert len(snapshots(tmp_path)) == 2
    assert len(await bench.backups.sets(bench.target)) == 2
    assert len(list((bench.store / "manifests").iterdir())) == 2
    # What another has in the same repository is none of Opsbell's.
    restic(tmp_path, "backup", "--tag", "opsbell", "--tag", "other", str(tmp_path / "application"))
    restic(tmp_path, "backup", str(tmp_path / "application"))
    await make(bench, "logs")
    assert len(snapshots(tmp_path)) == 4
    assert "no errors were found" in restic(tmp_path, "check", "--read-data")


async def test_a_prune_that_was_cut_short_is_ended_by_the_next(
    bench: Bench, tmp_path: Path
) -> None:
    await make(bench, "logs")
    store = bench.backups.store(bench.target)
    (bench.store / "to-prune").touch()
    await store.remove([])
    assert not (bench.store / "to-prune").exists()
    assert len(snapshots(tmp_path)) == 1


async def test_wrong_password(bench: Bench, tmp_path: Path, application_url: str) -> None:
    await make(bench, "logs")
    async with changed(bench, tmp_path, application_url, password="another one") as other:
        operation = await failed(other)
        assert operation.error == (
            "The password does not open the restic repository. Correct"
            " backups.grandvps.store.restic.password or password_file."
        )
        with pytest.raises(Failed, match="password does not open"):
            await other.backups.sets(other.target)


async def test_a_password_file_that_is_missing(bench: Bench, tmp_path: Path) -> None:
    store = bench.settings.backups["grandvps"].store
    assert store.restic
    file = tmp_path / "nothing.txt"
    there = store.restic.model_copy(update={"password": None, "password_file": file})
    opened = Restic("grandvps", there, tmp_path / "cache")
    with pytest.raises(NotFound, match=rf"is not in {file}\. Correct .*\.password_file"):
        await opened.run("init")
    file.write_text("")
    with pytest.raises(NotFound, match=f"is not in {file}"):
        await opened.run("init")
    file.write_text(PASSWORD)
    await opened.run("init")


@pytest.mark.parametrize(
    "repository",
    [
        "rest:http://backup:geheim%40123@127.0.0.1:1/grandvps",
        "sftp:nobody@127.0.0.1:/srv/restic",
        "s3:http://127.0.0.1:1/bucket/grandvps",
    ],
)
async def test_a_repository_out_of_reach(
    bench: Bench,
    tmp_path: Path,
    application_url: str,
    repository: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.backups.restic.ANSWER_LIMIT", timedelta(seconds=4))
    async with changed(bench, tmp_path, application_url, repository=repository) as other:
        operation = await failed(other)
        assert "\n" not in operation.error
        assert "restic repository" in operation.error
        assert "geheim" not in operation.error + operation.output
        with pytest.raises(OpsbellError) as told:
            await other.backups.sets(other.target)
        assert "geheim" not in str(told.value)


async def test_a_repository_that_is_gone_is_not_begun_anew(bench: Bench, tmp_path: Path) -> None:
    await make(bench, "logs")
    (tmp_path / "repository").rename(tmp_path / "elsewhere")
    operation = await failed(bench)
    assert "is gone: it held sets" in operation.error
    assert not (tmp_path / "repository").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "repository")
    await make(bench, "logs")


async def test_no_repository_yet_is_no_sets(bench: Bench, tmp_path: Path) -> None:
    assert await bench.backups.sets(bench.target) == []
    assert not (tmp_path / "repository").exists()


async def test_a_snapshot_without_all_its_files_is_no_good_set(
    bench: Bench, tmp_path: Path
) -> None:
    good = await make(bench, "logs")
    restic(tmp_path, "restore", "latest", "--target", str(tmp_path / "copy"))
    (tmp_path / "copy" / "logs.tar.zst").unlink()
    name = f"{good.id}-2"
    manifest = good.model_copy(update={"id": name})
    (tmp_path / "copy" / "manifest.json").write_text(manifest.model_dump_json())
    tags = [word for tag in ("opsbell", "grandvps", name) for word in ("--tag", tag)]
    restic(tmp_path, "backup", *tags, ".", directory=tmp_path / "copy")
    newest, older = await bench.backups.sets(bench.target)
    assert newest.trouble == "logs.tar.zst is not readable: not in the snapshot"
    assert older.good == good
    # It pushes out no good one, and is not pushed out.
    await make(bench, "logs")
    assert len(await bench.backups.sets(bench.target)) == 3
