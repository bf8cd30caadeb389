"""Archives of files: stopped half way, and what `tar` in a container says."""

import asyncio
import os
from pathlib import Path

import pytest

from bot.backups.archive import archive_here, judge
from bot.backups.meter import Meter
from bot.backups.tar import Source
from bot.errors import Failed
from tests.backups.conftest import Bench
from tests.backups.test_meter import Told
from tests.backups.tools import members
from tests.backups.trouble import PATIENCE


async def test_a_cancelled_archive_stops_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    noise = os.urandom(1 << 20)
    for number in range(200):
        (tmp_path / "media" / f"{number}").write_bytes(noise)
    archive = tmp_path / "media.tar.zst"
    source = Source(tmp_path, "media")
    working = asyncio.create_task(archive_here([source], archive, Meter(Told(), None)))
    async with asyncio.timeout(PATIENCE):
        while not archive.exists() or archive.stat().st_size < 1 << 20:
            await asyncio.sleep(0.005)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    size = archive.stat().st_size
    assert size < 200 << 20
    await asyncio.sleep(0.2)
    assert archive.stat().st_size == size


async def test_an_archive_tells_what_it_has_written(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(os.urandom(1000))
    told = Told()
    source = Source(tmp_path, "media")
    done = await archive_here([source], tmp_path / "media.tar.zst", Meter(told, None))
    assert members(tmp_path / "media.tar.zst").keys() == {"media"}
    assert done.notes == ()
    assert told.notes


@pytest.mark.parametrize(
    ("status", "said", "notes"),
    [
        (0, "", []),
        (0, "tar: app/logs/socket: socket ignored\n", ["app/logs/socket: socket ignored"]),
        (
            1,
            (
                "tar: app/logs/a: file changed as we read it\n"
                "tar: app/logs/b: File removed before we read it\n"
                "tar: app/logs/c: File shrank by 12 bytes; padding with zeros\n"
            ),
            [
                "app/logs/a: file changed as we read it",
                "app/logs/b: File removed before we read it",
                "app/logs/c: File shrank by 12 bytes; padding with zeros",
            ],
        ),
        (
            1,  # busybox
            (
                "tar: app/logs/a: No such file or directory\n"
                "tar: error exit delayed from previous errors\n"
            ),
            [
                "app/logs/a: No such file or directory",
                "error exit delayed from previous errors",
            ],
        ),
    ],
)
async def test_files_that_did_not_hold_still_are_noted(
    host: Bench, status: int, said: str, notes: list[str]
) -> None:
    assert judge(host.targets.get(host.target), status, said).kept == notes


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (2, "tar: app/media: Cannot open: Permission denied\n"),
        (1, "tar: can't open 'app/media/a': Permission denied\n"),
        (1, "tar: a: file changed as we read it\ntar: short write: No space left on device\n"),
        (137, ""),
    ],
)
async def test_all_else_that_tar_says_is_a_failure(host: Bench, status: int, said: str) -> None:
    with pytest.raises(Failed, match=f"tar ended with exit status {status}"):
        judge(host.targets.get(host.target), status, said)
