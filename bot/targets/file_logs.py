"""Log files on this machine: the lines since a time, without reading what is older.

Files may be of any size: the place to begin at is looked for from the end, and memory stays
constant. A line counts as of the time at its beginning (`bot.targets.timestamps`); a line without
one, such as a traceback's, as of the line before it. Of a file that names no time at all in its
last MiB, that MiB counts, as of the file's last change. Where the file was rotated lately, the one
before it (NAME.1) is read first.
"""

import asyncio
import contextlib
import errno
import io
import itertools
import os
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import NotFound, Unavailable
from bot.targets.model import LogLine
from bot.targets.text import text_of
from bot.targets.timestamps import line_time

_BLOCK = 1024 * 1024
_LONGEST_LINE = 64 * 1024
_LINES_AT_ONCE = 500


async def read_log(path: Path, since: datetime) -> AsyncIterator[LogLine]:
    """The lines from `since` on, oldest first. A line longer than 64 KiB is cut there.

    Raises NotFound where the file does not exist, Unavailable where it cannot be read.
    """
    # Reading in a thread, a batch at a time: a slow disk must not hold up everything else.
    lines = _lines(path, since)
    try:
        while batch := await asyncio.to_thread(_batch, lines):
            for line in batch:
                yield line
    except FileNotFoundError:
        raise NotFound(f"The log file {path} does not exist.") from None
    except OSError as error:
        raise Unavailable(
            f"The log file {path} cannot be read: {error.strerror}.", retryable=False
        ) from error


def _batch(lines: Iterator[LogLine]) -> list[LogLine]:
    return list(itertools.islice(lines, _LINES_AT_ONCE))


def _lines(path: Path, since: datetime) -> Iterator[LogLine]:
    with _opened(path) as current:
        with (
            contextlib.suppress(FileNotFoundError),
            _opened(path.with_name(f"{path.name}.1")) as before,
        ):
            # A rotation at this very moment would show the same file twice.
            if not os.path.sameopenfile(before.fileno(), current.fileno()):
                yield from _lines_of(before, since)
        yield from _lines_of(current, since)


def _opened(path: Path) -> io.BufferedReader:
    """Raises OSError. A pipe is not waited for, which might be for ever: it is refused."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is no regular file")


def _lines_of(file: io.BufferedReader, since: datetime) -> Iterator[LogLine]:
    changed = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    if changed < since:
        return
    start, at = _start(file, since)
    file.seek(start)
    known = at or changed
    begins = True
    while line := _read_line(file):
        begins, begun = line.endswith(b"\n"), begins
        if not begun:
            continue
        text = text_of(line).rstrip("\r\n")
        known = line_time(text) or known
        if known >= since:
            yield LogLine(known, text)


def _read_line(file: io.BufferedReader) -> bytes:
    """The next line, or 64 KiB of it, without the zero bytes before it: a file that was cut off
    under its writer (logrotate's copytruncate) has a hole in the place of what was cut."""
    line = b""
    while piece := file.readline(_LONGEST_LINE - len(line)):
        line = (line + piece).lstrip(b"\0")
        if line.endswith(b"\n") or len(line) == _LONGEST_LINE:
            break
    return line


def _start(file: io.BufferedReader, since: datetime) -> tuple[int, datetime | None]:
    """Where to begin reading so that nothing since then is missed, and the time of what stands
    there; None where no line there bears one."""
    end = file.seek(0, os.SEEK_END)
    first: datetime | None = None
    start = end
    while start > 0:
        start = max(0, start - _BLOCK)
        offset, at = _first_time(file, start, min(end, start + _BLOCK))
        if at is None and first is None:
            return _line_start(file, start), None
        first = at or first
        if at is not None and at < since:
            return offset, at
    return start, first


def _first_time(file: io.BufferedReader, start: int, stop: int) -> tuple[int, datetime | None]:
    offset = _line_start(file, start)
    file.seek(offset)
    while offset < stop and (line := file.readline(_LONGEST_LINE)):
        if at := line_time(text_of(line.lstrip(b"\0"))):
            return offset, at
        offset += len(line)
    return start, None


def _line_start(file: io.BufferedReader, offset: int) -> int:
    """The start of the first whole line at or after an offset, or the offset in a long line."""
    if offset == 0:
        return 0
    file.seek(offset - 1)
    line = file.readline(_LONGEST_LINE)
    return offset - 1 + len(line) if line.endswith(b"\n") else offset
