"""Processes on this machine that a killed Opsbell has left: found by a mark, and ended."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psutil

from bot.backups.leftovers import MARK
from bot.backups.threads import in_thread
from bot.targets.session import end_session


async def end_leftovers_here(mark: str) -> None:
    """Ends all processes of this machine whose environment has `mark` as MARK, with all that
    they started. Raises Unavailable where one outlives that."""
    for session, name in (await in_thread(lambda: dict(_sessions(mark)))).items():
        await end_session(session, name)


def _sessions(mark: str) -> Iterator[tuple[int, str]]:
    own = os.getsid(0)
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if process.environ().get(MARK) == mark and os.getsid(process.pid) != own:
                yield os.getsid(process.pid), str(process.info["name"])
