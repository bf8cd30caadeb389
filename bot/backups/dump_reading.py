"""Whether pg_restore can read the contents of a dump as it lies on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.backups.model import DATABASE, DUMP
from bot.backups.processes import failure, fed
from bot.backups.threads import in_thread
from bot.targets.model import Target

CONTENTS = "toc.dat"
"""The file of a directory dump that lists what is in it."""

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
    process_of = target.process(list_file, service=service, environment=environment, stdin=True)
    # pg_restore stops reading after the contents.
    async with process_of as process, fed(process, dump):
        status = await process.wait()
    if status:
        raise failure(target, "pg_restore --list", status, process.error_tail)
