"""Processes that can be found and ended after the one who started them has died.

A marked program runs below a shell that bears the mark among its arguments for as long as the
program runs. Its children do not bear it: what a program leaves in the background on purpose (a
service that it restarted) is no longer part of it once it has ended.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from bot.errors import Unavailable
from bot.targets.container import Container
from bot.targets.docker_process import docker_process
from bot.targets.running import run_process
from bot.targets.session import end_session

_ROUNDS = 5
_LOOK_LIMIT = timedelta(seconds=30)

# A subshell, since a shell that has nothing left to do would become the program and lose the mark;
# with exec, since a name such as eval must mean a program. One line: marks are read by the line.
_SCRIPT = '(exec "$@") 2>&1; exit "$?"'

# Arguments: a mark. Says the sessions of the shells that bear it; its own is none of them.
_SESSIONS = """\
read -r line </proc/$$/stat
set -- "$1" ${line##*) }
own=$5
for process in /proc/[0-9]*; do
  IFS= read -r line 2>/dev/null <"$process/cmdline"
  case $line in *"$1"*) ;; *) continue ;; esac
  read -r line 2>/dev/null <"$process/stat" || continue
  set -- "$1" ${line##*) }
  [ "$5" = "$own" ] || echo "$5"
done
"""


def marked(argv: Sequence[str], mark: str) -> tuple[str, ...]:
    """A program and its arguments such that it can be found by a mark; its errors come in order
    with its output. Exit status 127: there is no such program."""
    return ("sh", "-c", _SCRIPT, mark, *argv)


async def end_marked_here(mark: str) -> None:
    """Ends all sessions on this machine that a marked program runs in. Raises Unavailable where
    one cannot be ended."""
    for _ in range(_ROUNDS):
        sessions = await asyncio.to_thread(_sessions_here, mark)
        if not sessions:
            return
        for session in sessions:
            await end_session(session, "A command")
    raise Unavailable("A command is started again and again.", retryable=False)


async def end_marked_in(container: Container, mark: str) -> None:
    """The same in a container."""
    for _ in range(_ROUNDS):
        done = await run_process(
            lambda errors: docker_process(
                container, ("sh", "-c", _SESSIONS, "sh", mark), environment={}, errors=errors
            ),
            program="sh",
            timeout=_LOOK_LIMIT,
        )
        sessions = {int(word) for word in done.stdout.split()}
        if done.status:
            raise Unavailable(f"The processes of {container.service} cannot be listed.")
        if not sessions:
            return
        for session in sessions:
            await container.end_session(session, "A command")
    raise Unavailable("A command is started again and again.", retryable=False)


def _sessions_here(mark: str) -> set[int]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if arguments[2:4] == [_SCRIPT.encode(), mark.encode()]:
                found.add(os.getsid(int(process.name)))
    return found - {os.getsid(0)}
