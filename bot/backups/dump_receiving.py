"""Files that come as a tar archive of a directory, into a directory of a set. Blocking."""

from __future__ import annotations

import re
import tarfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.backups import disk
from bot.backups.disk import NewFile
from bot.backups.model import SetFile
from bot.errors import Failed

_BLOCK = tarfile.BLOCKSIZE
_EMPTY = bytes(_BLOCK)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*")


class ReceivedFiles:
    """Writes the files of an archive as its bytes come in pieces of any size. `size` is what has
    been written.

    The archive is of a flat directory, its name before every file's. Only plain files with plain
    names are taken: what comes is not to be trusted. Raises Failed for anything else,
    FileExistsError for a name that comes twice.
    """

    def __init__(self, directory: Path, archived: str) -> None:
        self.size = 0
        self._directory = directory
        self._archived = archived
        self._files: list[SetFile] = []
        self._header = b""
        self._ended = False
        self._file: NewFile | None = None
        self._left = 0
        self._padding = 0
        self._open = ExitStack()

    def __enter__(self) -> Self:
        disk.make_directory(self._directory)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._open.close()

    def feed(self, data: bytes) -> None:
        """Takes the next piece."""
        rest = memoryview(data)
        while rest:
            if self._left:
                rest = self._contents(rest)
            elif self._padding:
                skipped = min(self._padding, len(rest))
                self._padding -= skipped
                rest = rest[skipped:]
            else:
                wanted = _BLOCK - len(self._header)
                self._header += rest[:wanted]
                rest = rest[wanted:]
                if len(self._header) == _BLOCK:
                    self._begin()

    def finish(self) -> tuple[SetFile, ...]:
        """The files, all of them on the disk. Raises Failed where the archive is not whole."""
        if not self._ended:
            raise Failed("The dump's files did not come whole.")
        # Here rather than one by one: by now most of it is on the disk, and one wait serves many.
        for file in self._files:
            disk.sync_file(self._directory.parent / file.path)
        disk.sync_directory(self._directory)
        return tuple(self._files)

    def _contents(self, rest: memoryview) -> memoryview:
        taken = rest[: self._left]
        self._left -= len(taken)
        self.size += len(taken)
        if self._file:
            self._file.write(bytes(taken))
        if not self._left:
            self._end()
        return rest[len(taken) :]

    def _begin(self) -> None:
        """The next member, by its header; an archive's end is blocks of zeros."""
        header, self._header = self._header, b""
        if header == _EMPTY:
            self._ended = True
            return
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "replace")
        except tarfile.HeaderError as error:
            raise Failed(f"The dump's files came garbled: {error}.") from error
        top, _, name = member.name.partition("/")
        if member.isdir() and (top, name) == (self._archived, ""):
            return
        if not member.isreg() or top != self._archived or not _NAME.fullmatch(name):
            raise Failed(f'A dump holds no "{member.name[:40]}".')
        self._file = self._open.enter_context(NewFile(self._directory / name))
        self._left = member.size
        self._padding = -member.size % _BLOCK
        if not self._left:
            self._end()

    def _end(self) -> None:
        if self._file:
            written = self._file.written()
            path = f"{self._directory.name}/{written.path}"
            self._files.append(written.model_copy(update={"path": path}))
        self._file = None
        self._open.close()
