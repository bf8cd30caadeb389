"""Processes that can be found and ended after the one who started them has died.

What people's plans run is `marked`: below a shell that bears the mark among its arguments for as
long as the program runs. Its children do not bear it: what a program leaves in the background on
purpose (a service that it restarted) is no longer part of it once it has ended. Tools that leave
nothing on purpose bear the mark as MARK in their environment, with all that they start.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

import psutil

from bot.errors import Unavailable
from bot.targets.container import Container
from bot.targets.docker_process import docker_process
from bot.targets.running import run_process
from bot.targets.session import end_session
from bot.targets.waiting import to_the_end

MARK = "OPSBELL_MARK"

_ROUNDS = 5
_LOOK_LIMIT = timedelta(seconds=30)

# A subshell, since a shell that has nothing left to do would become the program and lose the mark;
# with exec, since a name such as eval must mean a program.
_SCRIPT = '(exec "$@") 2>&1; exit "$?"'

# Arguments: a mark after one more character, without which this would find itself; a variable.
# Says the sessions of the processes that bear it as an argument or as that variable.
_SESSIONS = """\
mark=${1#?} variable=$2
bears() {
  grep -qF -e "$mark" "$1/cmdline" "$1/environ" 2>/dev/null || return 1
  tr '\\0' '\\n' 2>/dev/null <"$1/cmdline" | grep -qxF -e "$mark" && return 0
  tr '\\0' '\\n' 2>/dev/null <"$1/environ" | grep -qxF -e "$variable=$mark"
}
for process in /proc/[0-9]*; do
  bears "$process" || continue
  read -r line 2>/dev/null <"$process/stat" || continue
  set -- ${line##*) }
  echo "$4"
done
"""


def marked(argv: Sequence[str], mark: str) -> tuple[str, ...]:
    """A program and its arguments such that it can be found by a mark; its errors come in order
    with its output. Exit status 127: there is no such program."""
    return ("sh", "-c", _SCRIPT, mark, *argv)


async def end_marked_here(mark: str) -> None:
    """Ends all sessions on this machine in which something bears a mark. Raises Unavailable where
    one cannot be ended."""
    for _ in range(_ROUNDS):
        sessions = await to_the_end(asyncio.to_thread(lambda: dict(_sessions_here(mark))))
        if not sessions:
            return
        for session, program in sessions.items():
            await end_session(session, program)
    raise Unavailable("A command is started again and again.", retryable=False)


async def end_marked_in(container: Container, mark: str) -> None:
    """The same in a container."""
    for _ in range(_ROUNDS):
        done = await run_process(
            lambda errors: docker_process(
                container,
                ("sh", "-c", _SESSIONS, "sh", f"={mark}", MARK),
                environment={},
                errors=errors,
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


def _sessions_here(mark: str) -> Iterator[tuple[int, str]]:
    """Each session with the name of a program in it."""
    own = os.getsid(0)
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error, OSError):
            session = os.getsid(process.pid)
            if session != own and _bears(process, mark):
                yield session, str(process.info["name"])


def _bears(process: psutil.Process, mark: str) -> bool:
    arguments = process.cmdline()
    return arguments[2:4] == [_SCRIPT, mark] or process.environ().get(MARK) == mark
