"""Whether pg_restore can read the contents of a dump as it lies on the disk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

from bot.backups.model import DATABASE, DUMP
from bot.backups.processes import failure
from bot.backups.threads import in_thread
from bot.errors import Unavailable
from bot.targets.model import Process, Target

CONTENTS = "toc.dat"
"""The file of a directory dump that lists what is in it."""

_READ_SIZE = 1 << 20

# Argument: pg_restore. Listing a directory reads its contents alone.
_LIST_DIRECTORY = """
directory=$(mktemp -d) || exit
trap 'rm -rf "$directory"' EXIT
trap 'exit 143' TERM HUP INT
cat >"$directory/toc.dat" && "$1" --list "$directory"
"""


async def check_contents(
    target: Target, service: str | None, environment: Mapping[str, str], directory: Path
) -> None:
    """Has pg_restore, in a service's container or here (None), list the contents of the dump in a
    set's directory. Raises Failed where it cannot, Unavailable and OSError."""
    list_file = [target.tool("pg_restore"), "--list"]
    dump = directory / DUMP
    if await in_thread((directory / DATABASE).is_dir):
        dump = directory / DATABASE / CONTENTS
        list_file = ["sh", "-c", _LIST_DIRECTORY, "sh", target.tool("pg_restore")]
    async with target.process(
        list_file, service=service, environment=environment, stdin=True
    ) as process:
        feeding = asyncio.create_task(_feed(process, dump))
        try:
            status = await process.wait()
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})
    if status:
        raise failure(target, "pg_restore --list", status, process.error_tail)


async def _feed(process: Process, path: Path) -> None:
    """Sends a file to a process for as long as it reads; pg_restore stops after the contents."""
    with await in_thread(path.open, "rb") as file, contextlib.suppress(Unavailable):
        while data := await in_thread(file.read, _READ_SIZE):
            await process.write(data)
        await process.end_input()
