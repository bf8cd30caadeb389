"""Log files of a host target: what is new, wherever it begins, and nothing of what is old."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import NotFound, Unavailable
from bot.targets.model import LogLine, Target
from tests.targets.places import host_settings, opened

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=24)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    services = {"web": {"restart": ["true"], "logs": "web.log"}, "quiet": {"restart": ["true"]}}
    async with opened(host_settings(tmp_path, services=services)) as host:
        yield host


async def test_only_what_is_new_is_read(target: Target, log: Path) -> None:
    log.write_text(lines(NOW - timedelta(hours=48), NOW, timedelta(minutes=1)))
    touch(log, NOW)
    found = await read(target)
    assert len(found) == 24 * 60 + 1
    assert found[0] == LogLine(SINCE, f"{SINCE:%Y-%m-%dT%H:%M:%SZ} line")
    assert found[-1].at == NOW


async def test_large_files_are_read_from_the_end(target: Target, log: Path) -> None:
    text = lines(NOW - timedelta(days=30), NOW, timedelta(seconds=20), "x" * 200)
    assert len(text) > 25 * 1024 * 1024
    log.write_text(text)
    touch(log, NOW)
    for hours in (0, 1, 24, 24 * 30, 24 * 60):
        since = NOW - timedelta(hours=hours)
        found = await read(target, since)
        assert len(found) == min(hours, 24 * 30) * 180 + 1


async def test_a_file_without_times_counts_by_its_last_change(target: Target, log: Path) -> None:
    log.write_text("something\n" * 10)
    touch(log, NOW)
    assert await read(target) == [LogLine(NOW, "something")] * 10
    touch(log, SINCE - timedelta(seconds=1))
    assert await read(target) == []
    log.write_text("something\n" * 1_000_000)
    touch(log, NOW)
    assert len(await read(target)) == 1024 * 1024 // len("something\n")


async def test_lines_without_a_time_belong_to_the_line_before(target: Target, log: Path) -> None:
    old, new = NOW - timedelta(hours=30), NOW - timedelta(hours=1)
    log.write_text(
        f"before any time\n{old:%Y-%m-%d %H:%M:%SZ} old\nTraceback of the old\n"
        f"{new:%Y-%m-%d %H:%M:%SZ} new\nTraceback of the new\n"
    )
    touch(log, NOW)
    assert [line.text for line in await read(target)] == [
        "2026-11-22 13:00:00Z new",
        "Traceback of the new",
    ]
    assert [line.at for line in await read(target)] == [new, new]


@pytest.mark.parametrize("hole", [1, 64 * 1024 - 1, 64 * 1024, 3 * 1024 * 1024 + 5])
async def test_a_file_cut_off_under_its_writer(target: Target, log: Path, hole: int) -> None:
    """logrotate's copytruncate leaves a hole of zero bytes before the next line."""
    at = NOW - timedelta(hours=1)
    with log.open("wb") as file:
        file.truncate(hole)
        file.seek(hole)
        file.write(f"{at:%Y-%m-%d %H:%M:%SZ} ERROR with a \0 in it\nmore\n".encode())
    touch(log, NOW)
    assert [(line.at, line.text) for line in await read(target)] == [
        (at, "2026-11-22 13:00:00Z ERROR with a \N{REPLACEMENT CHARACTER} in it"),
        (at, "more"),
    ]


async def test_the_file_before_a_rotation_counts(target: Target, log: Path) -> None:
    before = log.with_name("web.log.1")
    before.write_text(lines(NOW - timedelta(hours=40), NOW - timedelta(hours=10), HOUR))
    log.write_text(lines(NOW - timedelta(hours=9), NOW, HOUR))
    touch(before, NOW - timedelta(hours=10))
    touch(log, NOW)
    assert len(await read(target)) == 25
    touch(before, SINCE - timedelta(hours=1))
    assert len(await read(target)) == 10
    before.unlink()
    os.link(log, before)
    assert len(await read(target)) == 10


async def test_a_very_long_line_is_cut_and_the_next_is_whole(target: Target, log: Path) -> None:
    log.write_text("2026-11-22T13:00:00Z " + "x" * 5_000_000 + "\n2026-11-22T13:00:01Z next\n")
    touch(log, NOW)
    first, second = await read(target)
    assert len(first.text) == 64 * 1024
    assert second == LogLine(NOW - timedelta(hours=1) + SECOND, "2026-11-22T13:00:01Z next")


async def test_bytes_that_are_no_text_do_no_harm(target: Target, log: Path) -> None:
    log.write_bytes(b"2026-11-22T13:00:00Z \xff\xfe caf\xe9\r\n")
    touch(log, NOW)
    assert (await read(target))[0].text.endswith(" caf\ufffd")


async def test_what_is_not_there_or_not_readable_is_named(target: Target, log: Path) -> None:
    with pytest.raises(NotFound, match=r"log file .*web\.log does not exist"):
        await read(target)
    with pytest.raises(NotFound, match="quiet of grandvps has no log"):
        await read(target, service="quiet")
    log.mkdir()
    with pytest.raises(Unavailable, match=r"web\.log cannot be read: Is a directory"):
        await read(target)


def test_memory_does_not_grow_with_the_file(log: Path) -> None:
    """In a process of its own, whose peak is its own."""
    with log.open("w") as file:
        for _ in range(40):
            file.write(lines(NOW - timedelta(hours=1), NOW, timedelta(seconds=1), "y" * 1000))
    assert log.stat().st_size > 140_000_000
    touch(log, NOW)
    script = (
        "import asyncio, resource, sys\n"
        "from datetime import datetime\nfrom pathlib import Path\n"
        "from bot.targets.file_logs import read_log\n"
        "async def main():\n"
        "    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    before = peak()\n"
        "    since = datetime.fromisoformat(sys.argv[2])\n"
        "    count = 0\n"
        "    async for line in read_log(Path(sys.argv[1]), since):\n        count += 1\n"
        "    print(count, peak() - before)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(log), SINCE.isoformat()],
        capture_output=True,
        text=True,
        check=True,
    )
    count, grown = map(int, done.stdout.split())
    assert count == 40 * 3601
    assert grown < 32 * 1024, f"{grown} KiB more"


HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def lines(start: datetime, end: datetime, step: timedelta, text: str = "line") -> str:
    """One line at each step, the first and the last time included."""
    count = (end - start) // step + 1
    return "".join(f"{start + n * step:%Y-%m-%dT%H:%M:%SZ} {text}\n" for n in range(count))


def touch(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


async def read(target: Target, since: datetime = SINCE, service: str = "web") -> list[LogLine]:
    return [line async for line in target.logs(service, since)]


async def test_a_pipe_is_not_read(target: Target, log: Path) -> None:
    os.mkfifo(log)
    with pytest.raises(Unavailable, match="no regular file"):
        await anext(aiter(target.logs("web", SINCE)))
