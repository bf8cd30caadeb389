"""Files that come as an archive in pieces, from a container that is not to be trusted."""

import hashlib
import io
import stat
import tarfile
from pathlib import Path

import pytest

from bot.backups.dump_receiving import ReceivedFiles
from bot.errors import Failed

FILES = {
    "4711.dat.zst": b"rows" * 700,
    "blob_5001.dat": b"",
    "blobs_12.toc": b"x" * 512,
    "toc.dat": b"PGDMP",
}


def archive(*names: str) -> bytes:
    """An archive of a directory with some of FILES, as GNU tar writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(directory("dump/"))
        for name in names:
            info = tarfile.TarInfo(f"dump/{name}")
            info.size = len(FILES[name])
            tar.addfile(info, io.BytesIO(FILES[name]))
    return out.getvalue()


def directory(name: str) -> tarfile.TarInfo:
    """A directory's member."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def received(path: Path) -> ReceivedFiles:
    """Takes the archive of `dump` into a directory."""
    return ReceivedFiles(path, "dump")


@pytest.mark.parametrize("piece", [1, 511, 512, 513, 4096, 1 << 20])
def test_an_archive_in_pieces_of_any_size(tmp_path: Path, piece: int) -> None:
    stream = archive(*FILES)
    into = tmp_path / "database"
    with received(into) as files:
        for start in range(0, len(stream), piece):
            files.feed(stream[start : start + piece])
        found = files.finish()
    assert files.size == sum(map(len, FILES.values()))
    assert {path.name: path.read_bytes() for path in into.iterdir()} == FILES
    assert {path.stat().st_mode & 0o777 for path in into.iterdir()} == {0o600}
    assert stat.S_IMODE(into.stat().st_mode) == 0o700
    assert {file.path: (file.size, file.sha256) for file in found} == {
        f"database/{name}": (len(data), hashlib.sha256(data).hexdigest())
        for name, data in FILES.items()
    }


@pytest.mark.parametrize("left", [1, 600, 1000, 2000, 2048])
def test_a_file_that_is_cut_off_is_no_file(tmp_path: Path, left: int) -> None:
    with received(tmp_path / "database") as files:
        files.feed(archive("4711.dat.zst")[: 512 + left])
        with pytest.raises(Failed, match="did not come whole"):
            files.finish()


def member(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    """The header of an archive's member."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "header",
    [
        member("toc.dat"),
        member("other/toc.dat"),
        member("dump/../toc.dat"),
        member("/dump/toc.dat"),
        member("dump/sub/toc.dat"),
        member("dump/.hidden"),
        member("dump/"),
        member("dump"),
        member("dump/toc.dat", tarfile.SYMTYPE),
        member("dump/toc.dat", tarfile.LNKTYPE),
        member("dump/sub", tarfile.DIRTYPE),
        member("other", tarfile.DIRTYPE),
        member("dump/toc.dat", tarfile.FIFOTYPE),
        member("dump/toc.dat", tarfile.XHDTYPE),
        b"garbage!" * 64,
    ],
)
def test_only_plain_files_with_plain_names_are_taken(tmp_path: Path, header: bytes) -> None:
    into = tmp_path / "database"
    with received(into) as files, pytest.raises(Failed):
        files.feed(header)
    assert list(into.iterdir()) == []
    assert list(tmp_path.iterdir()) == [into]


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with received(tmp_path / "database") as files:
        files.feed(archive("toc.dat"))
        with pytest.raises(FileExistsError):
            files.feed(archive("toc.dat"))


def test_a_file_of_more_than_eight_gigabytes_is_understood(tmp_path: Path) -> None:
    info = tarfile.TarInfo("dump/4711.dat")
    info.size = 9 << 30
    with received(tmp_path / "database") as files:
        files.feed(info.tobuf(tarfile.GNU_FORMAT) + b"first" * 2000)
        assert files.size == 10_000
        with pytest.raises(Failed, match="did not come whole"):
            files.finish()
