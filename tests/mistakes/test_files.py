"""A newcomer's mistakes about files and backups, and the line that answers each."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mistakes.hosts import HostBench
from tests.mistakes.projects import as_nobody
from tests.mistakes.table import Mistake, Scene, prove
from tests.parts.compose_project import run
from tests.parts.require import need
from tests.parts.users import AS_NOBODY, NOBODY


@contextmanager
def nobodys(bench: HostBench) -> Iterator[None]:
    """The bench in a directory of the user nobody's, with files that nobody may read."""
    with as_nobody(bench):
        bench.make_shop()
        for path in (bench.shop, *bench.shop.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        yield


@asynccontextmanager
async def media_missing(bench: HostBench) -> AsyncIterator[Scene]:
    yield bench.scene(target={"files": {"media": "uploads"}})


@asynccontextmanager
async def media_unreadable(bench: HostBench) -> AsyncIterator[Scene]:
    """One file among them that belongs to the application's own user."""
    with nobodys(bench):
        private = bench.shop / "media" / "photo.jpg"
        private.chmod(0o600)
        os.chown(private, 0, 0)
        scene = bench.scene(target={"files": {"media": "media"}}, places={"private": private})
        yield replace(scene, program=AS_NOBODY)


@asynccontextmanager
async def media_missing_for_a_backup(bench: HostBench) -> AsyncIterator[Scene]:
    yield bench.scene(
        **(bench.backed_up(bench.directory / "backups") | {"target": {"files": {"media": "up"}}}),
        command=("backup", "now"),
    )


@asynccontextmanager
async def config_missing(bench: HostBench) -> AsyncIterator[Scene]:
    yield bench.scene(target={"config": [".env", "settings.py"]})


@asynccontextmanager
async def maintenance_elsewhere(bench: HostBench) -> AsyncIterator[Scene]:
    yield bench.scene(target={"maintenance": {"file": "flags/maintenance"}})


@asynccontextmanager
async def maintenance_not_writable(bench: HostBench) -> AsyncIterator[Scene]:
    with nobodys(bench):
        os.chown(bench.shop, 0, 0)
        scene = bench.scene(target={"maintenance": {"file": "maintenance"}})
        yield replace(scene, program=AS_NOBODY)


@asynccontextmanager
async def log_elsewhere(bench: HostBench) -> AsyncIterator[Scene]:
    services = {"web": {"restart": ["true"], "logs": "log/shop.log"}}
    yield bench.scene(target={"services": services})


@asynccontextmanager
async def no_such_program(bench: HostBench) -> AsyncIterator[Scene]:
    yield bench.scene(target={"services": {"web": {"restart": ["systemclt", "restart", "shop"]}}})


@asynccontextmanager
async def strange_repository(bench: HostBench) -> AsyncIterator[Scene]:
    """A repository that was cloned by another user than Opsbell's."""
    git = ("git", "-C", str(bench.shop))
    await run(*git, "init", "--quiet")
    for path in (bench.shop, *bench.shop.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    scene = bench.scene()
    yield replace(scene, env=dict(scene.env) | {"HOME": str(bench.directory)})


@asynccontextmanager
async def store_is_a_file(bench: HostBench) -> AsyncIterator[Scene]:
    store = bench.directory / "backups"
    store.touch()
    yield bench.scene(**bench.backed_up(store))


@asynccontextmanager
async def store_not_writable(bench: HostBench) -> AsyncIterator[Scene]:
    with nobodys(bench):
        store = bench.directory.parent / "backups"
        scene = bench.scene(
            **bench.backed_up(store), places={"above": store.parent, "store": store}
        )
        yield replace(scene, program=AS_NOBODY)


@contextmanager
def small_disk(place: Path, *options: str) -> Iterator[Path]:
    """A file system of 64 KiB in memory."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", place], check=True)
    try:
        if options:
            subprocess.run(["mount", "-o", ",".join(("remount", *options)), place], check=True)
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@asynccontextmanager
async def store_too_small(bench: HostBench) -> AsyncIterator[Scene]:
    with small_disk(bench.directory / "disk") as disk:
        yield bench.scene(**bench.backed_up(disk))


@asynccontextmanager
async def store_read_only(bench: HostBench) -> AsyncIterator[Scene]:
    with small_disk(bench.directory / "disk", "ro") as disk:
        yield bench.scene(**bench.backed_up(disk), places={"disk": disk})


@asynccontextmanager
async def store_in_its_source(bench: HostBench) -> AsyncIterator[Scene]:
    yield bench.scene(**bench.backed_up(bench.shop / "media" / "backups"))


@asynccontextmanager
async def restic_store(bench: HostBench) -> AsyncIterator[Scene]:
    need("restic")
    repository = str(bench.directory / "repository")
    own = ("env", "RESTIC_PASSWORD=the right one", f"RESTIC_CACHE_DIR={bench.directory}")
    await run(*own, "restic", "-r", repository, "init")
    parts = bench.backed_up(bench.directory)
    restic = {"repository": repository, "password": "a-password"}
    parts["backups"]["shop"]["store"] = {"restic": restic}
    yield bench.scene(**parts)


MISTAKES = (
    Mistake(
        "files that are not there",
        media_missing,
        "Files media: {shop}/uploads does not exist. Correct targets.shop.files.media.",
    ),
    Mistake(
        "a file that Opsbell may not read",
        media_unreadable,
        "Files media: nobody may not read {private}. Run Opsbell as the owner of {shop}/media, or "
        "give nobody the right.",
    ),
    Mistake(
        "files that are not there, for a backup",
        media_missing_for_a_backup,
        "{shop}/up does not exist. Correct targets.shop.files or what the backup includes.",
    ),
    Mistake(
        "a configuration file that is not there",
        config_missing,
        "Config: {shop}/settings.py does not exist. Correct targets.shop.config.",
    ),
    Mistake(
        "a maintenance file in a directory that is not there",
        maintenance_elsewhere,
        "Maintenance: The directory {shop}/flags does not exist. Correct "
        "targets.shop.maintenance.file.",
    ),
    Mistake(
        "a maintenance file that Opsbell may not make",
        maintenance_not_writable,
        "Maintenance: nobody may not write into {shop}. Run Opsbell as the owner of {shop}, or "
        "give nobody the right.",
    ),
    Mistake(
        "a log that is not there",
        log_elsewhere,
        "Service web: Its log {shop}/log/shop.log does not exist. Start it once if it has never "
        "run, or correct targets.shop.services.web.logs.",
        status=0,
        sign="⚠️ warning",
    ),
    Mistake(
        "a program with a typo",
        no_such_program,
        "Service web: The program systemclt, which restarts it, is not installed. Correct "
        "targets.shop.services.web.restart, or put it on Opsbell's PATH.",
    ),
    Mistake(
        "a repository of another user",
        strange_repository,
        "Revision: git does not trust {shop}: it belongs to another user than root. Run as root: "
        "git config --global --add safe.directory {shop}",
    ),
    Mistake(
        "a file where backups should go",
        store_is_a_file,
        "Store: {own}/backups is a file, not a directory. Correct backups.shop.store.directory.",
    ),
    Mistake(
        "backups where Opsbell may not write",
        store_not_writable,
        "Store: nobody may not write into {above}. Run: sudo install -d -m 700 -o nobody {store}",
    ),
    Mistake(
        "backups on a disk that is too small",
        store_too_small,
        "Room: 65.5 kB free, about 200 kB needed for one backup. Free some, or set "
        "backups.shop.store.directory to a larger disk.",
    ),
    Mistake(
        "backups on a disk that is mounted read-only",
        store_read_only,
        "Store: {disk} is on a file system that is mounted read-only. Correct "
        "backups.shop.store.directory, or mount it for writing.",
    ),
    Mistake(
        "backups among what is backed up",
        store_in_its_source,
        "Store: {shop}/media/backups lies inside {shop}/media, which is to be backed up. Set "
        "backups.shop.store.directory to a directory elsewhere.",
    ),
    Mistake(
        "a restic repository with another password",
        restic_store,
        "Store: The password does not open the restic repository. Correct "
        "backups.shop.store.restic.password or password_file.",
    ),
)


@pytest.mark.needs("root")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_the_answer_to_a_mistake(mistake: Mistake[HostBench], host_bench: HostBench) -> None:
    await prove(mistake, host_bench)
