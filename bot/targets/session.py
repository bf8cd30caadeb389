"""Ends all processes of a session on this machine and proves that they are gone."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

import psutil

from bot.errors import Unavailable

GRACE = 5.0
"""Seconds between asking a process to end and killing it, and then until it must be gone."""

_LOOK_EVERY = 0.03


async def end_session(session: int, program: str) -> None:
    """Asks every process of `session` to end, kills what is left after 5 s, and looks until none
    is there. Raises Unavailable where one outlives even that."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if await _gone_after(session, number):
            return
    hint = "It may hang in the kernel, often on a disk or network share that does not answer."
    if others := {pid for pid in _members(session) if not _is_ours(pid)}:
        hint = f"It runs as another user. End it with sudo kill {' '.join(map(str, others))}."
    raise Unavailable(f"{program} (process {session}) could not be ended.", hint=hint)


async def _gone_after(session: int, number: signal.Signals) -> bool:
    clock = asyncio.get_running_loop().time
    deadline = clock() + GRACE
    signalled: set[int] = set()
    while members := set(_members(session)):
        for pid in members - signalled:
            # What sudo has started cannot be signalled; it often ends with its parent.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        signalled |= members
        if clock() >= deadline:
            return False
        await asyncio.sleep(_LOOK_EVERY)
    return True


def _members(session: int) -> Iterator[int]:
    """The living processes of a session: those that ended but were not waited for are none."""
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                yield pid


def _is_ours(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
