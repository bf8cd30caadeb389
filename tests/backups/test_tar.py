"""Archives of files that do not hold still."""

import io
import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.backups.tar import NOTES_KEPT, READ_SIZE, Source, TarStream, size_below


class Archive:
    """A stream into memory; `before` is called ahead of each piece that is written."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.data = io.BytesIO()
        self.before = before
        self.stream = TarStream(self._write)

    def _write(self, piece: bytes) -> None:
        self.before()
        self.data.write(piece)

    def of(self, *sources: Source) -> tarfile.TarFile:
        for source in sources:
            self.stream.add(source)
        self.stream.end()
        self.data.seek(0)
        return tarfile.open(fileobj=self.data, encoding="utf-8", errors="surrogateescape")


def content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file
    return file.read()


def test_directories_links_modes_and_times_are_kept(tmp_path: Path) -> None:
    media = tmp_path / "media"
    (media / "deep" / "er").mkdir(parents=True)
    (media / "deep" / "er" / "file").write_text("text")
    (media / "deep" / "er" / "file").chmod(0o640)
    os.utime(media / "deep" / "er" / "file", (1_700_000_000, 1_700_000_000.5))
    (media / "to-file").symlink_to("deep/er/file")
    (media / "to-directory").symlink_to("deep")
    (media / "dangling").symlink_to("nowhere")
    tar = Archive().of(Source(tmp_path, "media"))
    assert tar.getnames() == [
        "media",
        "media/dangling",
        "media/to-directory",
        "media/to-file",
        "media/deep",
        "media/deep/er",
        "media/deep/er/file",
    ]
    file = tar.getmember("media/deep/er/file")
    assert (file.mode, file.mtime, file.uid) == (0o640, 1_700_000_000, os.getuid())
    assert tar.getmember("media/to-directory").linkname == "deep"
    assert tar.getmember("media/dangling").issym()
    assert content(tar, "media/deep/er/file") == b"text"


def test_names_of_any_length_and_of_any_bytes(tmp_path: Path) -> None:
    media = tmp_path / "media"
    deep = media.joinpath(*["d" * 200] * 4)
    deep.mkdir(parents=True)
    (deep / ("ü" * 100)).write_text("long")
    odd = os.fsencode(media) + b"/\xff\xfe not text"
    Path(os.fsdecode(odd)).write_text("odd")
    archive = Archive()
    tar = archive.of(Source(tmp_path, "media"))
    assert content(tar, os.fsdecode(b"media/\xff\xfe not text")) == b"odd"
    assert content(tar, str((deep / ("ü" * 100)).relative_to(tmp_path))) == b"long"
    assert archive.stream.notes.total == 0


def test_a_file_that_shrinks_is_filled_up_and_noted(tmp_path: Path) -> None:
    growing = tmp_path / "log"
    growing.write_bytes(b"x" * (3 * READ_SIZE))
    written = 0

    def shrink() -> None:
        nonlocal written
        written += 1
        if written == 2:  # the header is out, the first piece is read
            os.truncate(growing, READ_SIZE + 100)

    archive = Archive(shrink)
    tar = archive.of(Source(tmp_path, "log"))
    found = content(tar, "log")
    assert len(found) == 3 * READ_SIZE
    assert found.rstrip(b"\0") == b"x" * (READ_SIZE + 100)
    assert archive.stream.notes.kept == ["log: shrank while it was read, filled up with zeros"]


def test_a_file_that_grows_is_cut_and_noted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100)

    def grow() -> None:
        with log.open("ab") as file:
            file.write(b"more")

    archive = Archive(grow)
    assert content(archive.of(Source(tmp_path, "log")), "log") == b"x" * 100
    assert archive.stream.notes.kept == ["log: changed while it was read"]


def test_what_vanishes_is_noted_and_the_rest_is_there(tmp_path: Path) -> None:
    media = tmp_path / "media"
    (media / "b").mkdir(parents=True)
    for name in ("a", "b/gone", "c"):
        (media / name).write_text(name)

    written = 0

    def remove() -> None:
        nonlocal written
        written += 1
        if written == 2:  # the directory is listed, its first file is under way
            (media / "c").unlink()
            (media / "b" / "gone").unlink()
            (media / "b").rmdir()

    archive = Archive(remove)
    tar = archive.of(Source(tmp_path, "media"))
    assert tar.getnames() == ["media", "media/a"]
    assert archive.stream.notes.kept == [
        "media/c: vanished before it was read",
        "media/b: vanished before it was read",
    ]


def test_sockets_and_pipes_are_left_out_and_noted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        archive = Archive()
        tar = archive.of(Source(tmp_path.parent, tmp_path.name))
    assert tar.getnames() == [tmp_path.name]
    assert archive.stream.notes.total == 2


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    # Root may read everything, so the disk itself has to refuse: a directory in a file's place.
    with pytest.raises(FileNotFoundError):
        Archive().of(Source(tmp_path, "missing"))


def test_the_source_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "photo").write_text("photo")
    (tmp_path / "media").symlink_to("disk")
    tar = Archive().of(Source(tmp_path, "media"))
    assert tar.getnames() == ["media", "media/photo"]
    assert tar.getmember("media").isdir()
    assert size_below(tmp_path / "media") == 5


def test_notes_are_counted_and_the_first_ones_kept(tmp_path: Path) -> None:
    archive = Archive()
    for number in range(NOTES_KEPT + 5):
        archive.stream.notes.add(f"{number}\n")
    assert archive.stream.notes.total == NOTES_KEPT + 5
    assert len(archive.stream.notes.kept) == NOTES_KEPT
    assert archive.stream.notes.kept[0] == "0\\n"


def test_the_size_below_counts_links_as_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1000)
    (tmp_path / "link").symlink_to("a")
    assert size_below(tmp_path) == 1001


def test_what_restores_keep_aside_is_left_out(tmp_path: Path) -> None:
    media = tmp_path / "media"
    aside = media / "deep" / ".opsbell-media-20261122T020000Z" / "files"
    aside.mkdir(parents=True)
    (aside / "replaced").write_text("replaced")
    (media / ".opsbell-between-file").write_text("ours")
    (media / ".opsbell").write_text("theirs")
    assert Archive().of(Source(tmp_path, "media")).getnames() == [
        "media",
        "media/.opsbell",
        "media/deep",
    ]
    assert size_below(media) == len("theirs")
