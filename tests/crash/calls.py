"""Counts a program's external calls, and kills it at the one it was told to.

Runs inside the child alone. Every call is named by what it is and which of Opsbell's functions
made it, and the n-th call of one name is the point NAME#n. A plain running number would name
another call in every run, since the program does many things at once.
"""

import contextlib
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

# What stands between a caller and a library, and the frames below the event loop.
_PASSED_OVER = (
    *("bot.store.database", "bot.cli", "bot.leaving", "bot.run_terminal", "bot.app", "bot.core"),
    "bot.__main__",
)
_write = os.write

TIME = "time:"


class Calls:
    """The calls so far, in the journal: a line each, and a last one `killed POINT` at the end.

    `doom` is NAME#n:before or NAME#n:after, "" for none; "after" means that the call was done and
    the program has not learnt of it. TIME:seconds is that long after `arm`, whatever goes on then.
    Nothing is counted before `arm`.
    """

    def __init__(self, journal: Path, doom: str = "") -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._doom = doom
        self._seen: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._armed = False

    def arm(self, *_signal: object) -> None:
        """Begins to count; can be installed as the handler of a signal."""
        self._armed = True
        self._note("armed")
        if self._doom.startswith(TIME):
            clock = threading.Timer(float(self._doom.removeprefix(TIME)), self._die)
            clock.daemon = True
            clock.start()

    @contextlib.contextmanager
    def made(self, name: str) -> Iterator[None]:
        """Around one call; one without a name is none of those to look at."""
        if not self._armed or not name:
            yield
            return
        with self._counting:
            self._seen[name] += 1
            point = f"{name}#{self._seen[name]}"
            self._note(point)
        self._die_at(f"{point}:before")
        yield
        self._die_at(f"{point}:after")

    def _die_at(self, moment: str) -> None:
        if moment == self._doom:
            self._die()

    def _die(self) -> None:
        self._note(f"killed {self._doom}")
        os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, line: str) -> None:
        _write(self._journal, f"{line}\n".encode())


def caller() -> str:
    """The innermost function of Opsbell's own that is on the stack, "" if none is.

    A coroutine's stack is that of its task: what a library does in a task of its own has none.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("bot.", "commands.", "schedules.")) and module not in _PASSED_OVER:
            return f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return ""
