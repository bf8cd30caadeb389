"""Files that come as archives in pieces, from a container that is not to be trusted."""

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
    """A tar archive of some of FILES, as GNU tar writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(FILES[name])
            tar.addfile(info, io.BytesIO(FILES[name]))
    return out.getvalue()


@pytest.mark.parametrize("piece", [1, 511, 512, 513, 4096, 1 << 20])
def test_archives_one_after_another_in_pieces_of_any_size(tmp_path: Path, piece: int) -> None:
    stream = archive("4711.dat.zst") + archive("blob_5001.dat", "blobs_12.toc") + archive("toc.dat")
    directory = tmp_path / "database"
    with ReceivedFiles(directory) as files:
        for start in range(0, len(stream), piece):
            files.feed(stream[start : start + piece])
        found = files.finish()
    assert files.size == sum(map(len, FILES.values()))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == FILES
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {file.path: (file.size, file.sha256) for file in found} == {
        f"database/{name}": (len(data), hashlib.sha256(data).hexdigest())
        for name, data in FILES.items()
    }


@pytest.mark.parametrize("left", [1, 600, 1000, 3000])
def test_a_file_that_is_cut_off_is_no_file(tmp_path: Path, left: int) -> None:
    with ReceivedFiles(tmp_path / "database") as files:
        files.feed(archive("4711.dat.zst")[:left])
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
        member("../toc.dat"),
        member("/toc.dat"),
        member("sub/toc.dat"),
        member(".hidden"),
        member("toc.dat", tarfile.SYMTYPE),
        member("toc.dat", tarfile.LNKTYPE),
        member("toc.dat", tarfile.DIRTYPE),
        member("toc.dat", tarfile.FIFOTYPE),
        b"garbage!" * 64,
    ],
)
def test_only_plain_files_with_plain_names_are_taken(tmp_path: Path, header: bytes) -> None:
    directory = tmp_path / "database"
    with ReceivedFiles(directory) as files, pytest.raises(Failed):
        files.feed(header)
    assert list(directory.iterdir()) == []
    assert list(tmp_path.iterdir()) == [directory]


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with ReceivedFiles(tmp_path / "database") as files:
        files.feed(archive("toc.dat"))
        with pytest.raises(FileExistsError):
            files.feed(archive("toc.dat"))


def test_a_file_of_more_than_eight_gigabytes_is_understood(tmp_path: Path) -> None:
    info = tarfile.TarInfo("4711.dat")
    info.size = 9 << 30
    with ReceivedFiles(tmp_path / "database") as files:
        files.feed(info.tobuf(tarfile.GNU_FORMAT) + b"first")
        assert files.size == 5
        with pytest.raises(Failed, match="did not come whole"):
            files.finish()
