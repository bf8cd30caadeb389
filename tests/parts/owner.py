"""Whose a thing is that outlives processes: a container, a server or a directory of a test run.

A run that is killed cannot clean up after itself; the next one does it. The tag names the process
that made a thing, so that a run beside it on the same machine is never mistaken for a dead one.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TAG = re.compile(r"opsbell-test-(\d+)-(\d+)")


def owner_tag() -> str:
    """Begin a name with this process's tag: letters, digits and dashes only."""
    pid = os.getpid()
    return f"opsbell-test-{pid}-{_started(pid)}"


def is_orphan(name: str) -> bool:
    """Say whether `name` begins with the tag of a process that has ended."""
    match = _TAG.match(name)
    return match is not None and _started(int(match[1])) != int(match[2])


@contextmanager
def cleaning_up() -> Iterator[None]:
    """Hold the right to remove what dead runs left; two runs on a machine never do it at once."""
    with (Path(tempfile.gettempdir()) / "opsbell-test.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot, or None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command's name, in brackets, may hold anything; the start time is the 22nd field.
    return int(stat.rpartition(")")[2].split()[19])
