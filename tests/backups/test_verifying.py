"""What reading back finds: every way in which a file can differ from what was written."""

import asyncio
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import zstandard

from bot.backups.model import SetFile
from bot.backups.verifying import Damaged, check_files
from bot.operations.model import StepContext, StepKind
from bot.operations.states import OperationState
from tests.backups.conftest import Bench


def set_file(path: Path) -> SetFile:
    content = path.read_bytes()
    return SetFile(path=path.name, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def archive(path: Path, *, members: int = 3, cut: int = 0) -> SetFile:
    """An archive of a set, without the last `cut` bytes of its plain contents."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for number in range(members):
            info = tarfile.TarInfo(f"media/{number}")
            info.size = 5000
            tar.addfile(info, io.BytesIO(os.urandom(5000)))
    content = plain.getvalue()
    path.write_bytes(zstandard.ZstdCompressor().compress(content[: len(content) - cut]))
    return set_file(path)


async def check(directory: Path, *files: SetFile) -> int:
    """Checks; the bytes that were told last."""
    told = [0]

    async def tell(read: int) -> None:
        told.append(read)

    await check_files(directory, files, tell)
    return told[-1]


async def test_what_was_written_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "database.dump").write_bytes(os.urandom(3 << 20))
    dump, media = set_file(tmp_path / "database.dump"), archive(tmp_path / "media.tar.zst")
    assert await check(tmp_path, dump, media) == dump.size + media.size


@pytest.mark.parametrize("offset", [0, 1_500_000, 2_999_999])
async def test_one_flipped_bit_is_found(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "database.dump"
    path.write_bytes(os.urandom(3_000_000))
    file = set_file(path)
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"database\.dump does not have the checksum"):
        await check(tmp_path, file)


async def test_a_file_that_is_short_or_gone_is_found(tmp_path: Path) -> None:
    path = tmp_path / "database.dump"
    path.write_bytes(b"PGDMP" * 1000)
    file = set_file(path)
    path.write_bytes(b"PGDMP" * 999)
    with pytest.raises(Damaged, match="has 4995 bytes instead of 5000"):
        await check(tmp_path, file)
    path.unlink()
    with pytest.raises(Damaged, match="is not readable: No such file"):
        await check(tmp_path, file)


@pytest.mark.parametrize(
    ("members", "cut", "says"),
    [
        (3, 7000, "cannot be unpacked: unexpected end of data"),  # in the last member
        (3, 3584, "ends before the end of the archive"),  # right after it
        (3, 3072, "ends before the end of the archive"),  # one of two blocks of zeros is left
        (0, 10240, "ends before the end|cannot be unpacked"),  # nothing at all
    ],
)
async def test_an_archive_that_was_cut_off_before_its_checksum_was_taken(
    tmp_path: Path, members: int, cut: int, says: str
) -> None:
    file = archive(tmp_path / "media.tar.zst", members=members, cut=cut)
    with pytest.raises(Damaged, match=says):
        await check(tmp_path, file)


async def test_an_archive_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "media.tar.zst").write_bytes(zstandard.ZstdCompressor().compress(b"x" * 20_000))
    with pytest.raises(Damaged, match="cannot be unpacked"):
        await check(tmp_path, set_file(tmp_path / "media.tar.zst"))
    (tmp_path / "media.tar.zst").write_bytes(b"not zstd at all")
    with pytest.raises(Damaged, match="cannot be unpacked"):
        await check(tmp_path, set_file(tmp_path / "media.tar.zst"))


async def test_a_check_that_is_cancelled_ends_at_once(tmp_path: Path) -> None:
    path = tmp_path / "database.dump"
    with path.open("wb") as file:
        file.truncate(20 << 30)  # without a byte on the disk, and a minute's work to read
    before = threading.active_count()
    checking = asyncio.create_task(
        check(tmp_path, SetFile(path=path.name, size=20 << 30, sha256="0" * 64))
    )
    await asyncio.sleep(0.05)
    checking.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await checking
    assert threading.active_count() <= before + 1


class Decaying:
    """A step after which the disk holds one bit that was not written."""

    def __init__(self, step: StepKind, path: Callable[[], Path]) -> None:
        self._step = step
        self._path = path
        self.undo = step.undo
        self.done = step.done

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """What the step does, and then the disk."""
        result = await self._step.run(context)
        content = bytearray(self._path().read_bytes())
        content[len(content) // 2] ^= 4
        self._path().write_bytes(content)
        return result


@pytest.mark.parametrize("part", ["database", "media"])
async def test_a_set_that_reads_back_wrong_never_becomes_one(host: Bench, part: str) -> None:
    path, _ = await host.make(part)
    kind, name = {
        "database": ("backup.database", "database.dump"),
        "media": ("backup.files", "media.tar.zst"),
    }[part]
    whole = host.engine._runner._kinds[kind]

    def written() -> Path:
        [found] = host.store.glob(f".partial-*/{name}")
        return found

    host.operations.register(kind, Decaying(whole, written))
    operation = await host.run(part)
    assert operation.state is OperationState.FAILED
    assert f"{name} does not have the checksum that it was written with" in operation.error
    assert host.entries() == [path.name]
    host.operations.register(kind, whole)
    await host.make(part)


async def test_a_backup_says_what_it_has_read_back(host: Bench) -> None:
    operation = await host.run()
    assert operation.state is OperationState.DONE, operation.error
    (verified,) = [s for s in operation.steps if s.planned.kind == "backup.verify"]
    assert verified.note.startswith("5 files, ")
    assert verified.note.endswith(" read back")
