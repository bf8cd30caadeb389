"""The script that sends a dump's files while others are still written, with a pg_dump of ours that
is slow where it matters."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bot.backups.dump_script import DUMP_OUT

WHOLE = b"first half, " * 1000 + b"second half\n" * 1000

# Arguments: what it does, then the script's. Its workers are forks, as pg_dump's are.
PG_DUMP = """
import ctypes, os, pathlib, sys, time

FIRST, SECOND = b"first half, " * 1000, b"second half\\n" * 1000
directory = pathlib.Path(sys.argv[-1].removeprefix("--file="))
directory.mkdir()

def until(true):
    end = time.monotonic() + 30
    while not true():
        if time.monotonic() > end:
            os._exit(3)
        time.sleep(0.01)

def hidden(number):
    # PR_SET_DUMPABLE: nobody else may read where the descriptors lead.
    ctypes.CDLL(None).prctl(4, 0)
    with open(directory / f"{number}.dat", "wb", buffering=0) as file:
        file.write(FIRST)
        time.sleep(1)
        file.write(SECOND)

first_ended, first_ends = os.pipe()

def stalled(number):
    done, new = directory / "1.dat", directory / "2.dat"
    if number == 1:
        # As it is to be seen when the file is there and its descriptor is not yet.
        new.touch()
        done.write_bytes(FIRST + SECOND)
        until(lambda: not done.exists())
        new.write_bytes(FIRST + SECOND)
        os.write(first_ends, b".")
    else:
        os.read(first_ended, 1)

work = {"hidden": hidden, "stalled": stalled}[sys.argv[1]]
workers = []
for number in (1, 2):
    if not (worker := os.fork()):
        work(number)
        os._exit(0)
    workers.append(worker)
if sys.argv[1] == "hidden":
    ctypes.CDLL(None).prctl(4, 0)
ended = [os.waitpid(worker, 0)[1] for worker in workers]
(directory / "toc.dat").write_bytes(b"contents")
sys.exit(any(ended))
"""

# root may look at everything; a container's may not. PR_CAPBSET_DROP of CAP_SYS_PTRACE.
WITHOUT_PTRACE = """
import ctypes, os, sys

ctypes.CDLL(None).prctl(24, 19)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("what", ["hidden", "stalled"])
def test_a_file_is_sent_when_it_is_finished(tmp_path: Path, what: str) -> None:
    pg_dump = tmp_path / "pg_dump.py"
    pg_dump.write_text(PG_DUMP)
    scratch = tmp_path.resolve() / "scratch"
    script = ["sh", "-c", DUMP_OUT, "sh", str(scratch), "1", "the mark", "2"]
    argv = [sys.executable, "-c", WITHOUT_PTRACE, *script, sys.executable, str(pg_dump), what]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert received(done.stdout) == {"1.dat": WHOLE, "2.dat": WHOLE, "toc.dat": b"contents"}
    assert not scratch.exists()


def received(stream: bytes) -> dict[str, bytes]:
    """The files of archives that follow one another; each comes once."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(stream), mode="r:", ignore_zeros=True) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file
            assert member.name not in found
            found[member.name] = file.read()
    return found
