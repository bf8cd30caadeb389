"""Files that are sent to a process: to their end, and an end where one cannot be read."""

import asyncio
import os
from pathlib import Path

import pytest

from bot.backups.dump_reading import check_contents
from bot.backups.processes import fed
from tests.backups.conftest import Bench
from tests.targets.places import host_settings, opened

UNREADABLE = Path("/proc/self/mem")
"""Opens, and answers reading with EIO, as a disk or a share does that gives up."""


async def test_a_file_goes_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3_000_000))
    async with (
        opened(host_settings(tmp_path)) as target,
        target.process(["cat"], stdin=True) as process,
        fed(process, file),
    ):
        assert b"".join([piece async for piece in process.chunks()]) == file.read_bytes()


@pytest.mark.parametrize("path", [UNREADABLE, Path("/no/such/file")])
async def test_one_that_cannot_be_read_ends_the_process_that_waits_for_it(
    path: Path, tmp_path: Path
) -> None:
    async with opened(host_settings(tmp_path)) as target, asyncio.timeout(60):
        with pytest.raises(OSError, match=r"Input/output error|No such file"):
            async with target.process(["cat"], stdin=True) as process, fed(process, path):
                assert await process.wait() == 0


@pytest.mark.parametrize("name", ["database.dump", "database/toc.dat"])
async def test_a_dump_that_cannot_be_read_is_no_dump_without_contents(
    host: Bench, name: str, tmp_path: Path
) -> None:
    dump = tmp_path / "set" / name
    dump.parent.mkdir(parents=True)
    dump.symlink_to(UNREADABLE)
    async with asyncio.timeout(60):
        with pytest.raises(OSError, match="Input/output error"):
            await check_contents(host.targets.get("grandvps"), None, {}, tmp_path / "set")
