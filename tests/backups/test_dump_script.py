"""The script that dumps into a scratch directory and keeps it, with a pg_dump of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bot.backups.dump_script import DUMP_BESIDE, DUMPED

LIMIT = 30

# Arguments: what it does, then the script's.
PG_DUMP = """
import pathlib, sys, time

directory = pathlib.Path(sys.argv[-1].removeprefix("--file="))
directory.mkdir()
(directory / "1.dat").write_bytes(bytes(3 << 20))
print("all is noted in the errors")
if sys.argv[1] == "fails":
    sys.exit(3)
if sys.argv[1] == "takes long":
    time.sleep(3600)
(directory / "toc.dat").write_bytes(b"contents")
"""


class Script:
    """The script, started."""

    def __init__(self, place: Path, what: str, reserve: int = 1) -> None:
        self.scratch = place / "scratch"
        pg_dump = place / "pg_dump.py"
        pg_dump.write_text(PG_DUMP)
        script = ["sh", "-c", DUMP_BESIDE, "sh", str(self.scratch), str(reserve), "the mark"]
        self.process = subprocess.Popen(
            [*script, sys.executable, str(pg_dump), what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def lines(self) -> list[str]:
        """What it says until the dump is there, or until it ends."""
        assert self.process.stdout
        said = []
        for line in self.process.stdout:
            said.append(line.decode().strip())
            if said[-1] == DUMPED:
                break
        return said

    def ended(self) -> tuple[int, str]:
        """Ends its input; its status and its errors. Nothing that it started may outlive it."""
        _, errors = self.process.communicate(timeout=LIMIT)
        assert [pid for pid in psutil.pids() if session_of(pid) == self.process.pid] == []
        return self.process.returncode, errors.decode()


def session_of(pid: int) -> int:
    """The session of a process, 0 where it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert not (tmp_path / "scratch").exists()


def test_the_dump_stays_until_it_was_fetched(place: Path) -> None:
    script = Script(place, "works")
    *sizes, last = script.lines()
    assert last == DUMPED
    assert int(sizes[-1]) >= 3 << 10
    assert (script.scratch / "mark").read_text() == "the mark\n"
    assert {file.name for file in (script.scratch / "dump").iterdir()} == {"1.dat", "toc.dat"}
    assert script.scratch.stat().st_mode & 0o777 == 0o700
    assert script.process.poll() is None
    assert script.ended() == (0, "all is noted in the errors\n")


def test_it_tells_how_far_it_is(place: Path) -> None:
    script = Script(place, "takes long")
    assert script.process.stdout
    assert any(int(line) >= 3 << 10 for line in script.process.stdout)
    script.process.send_signal(signal.SIGTERM)
    assert script.ended()[0] == 143


def test_a_dump_that_fails_is_no_dump(place: Path) -> None:
    script = Script(place, "fails")
    assert DUMPED not in script.lines()
    assert script.ended() == (3, "all is noted in the errors\n")


def test_a_full_disk_ends_the_dump(place: Path) -> None:
    script = Script(place, "takes long", reserve=1 << 60)
    assert DUMPED not in script.lines()
    status, errors = script.ended()
    assert status == 75
    assert "the disk with the scratch files is nearly full" in errors


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    script = Script(tmp_path, "works")
    assert script.lines() == []
    assert script.ended()[0] == 74
    assert list((tmp_path / "scratch").iterdir()) == []
