"""Whether git has written a file, as can be seen from what is in it."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from bot.runbooks.git import ENVIRONMENT, git_argv
from bot.targets.model import Target


async def is_written_from(target: Target, path: Path, commit: str, name: str) -> bool:
    """Whether a file holds what a checkout of a commit writes there, or the beginning of that,
    where it was cut off."""
    there = await asyncio.to_thread(_opened, path)
    if there is None:
        return False
    # With --filters: as a checkout writes it, line ends included.
    argv = git_argv(target, "cat-file", "--filters", f"{commit}:{name}")
    with there:
        async with target.process(argv, environment=ENVIRONMENT) as process:
            async for wanted in process.chunks():
                found = await asyncio.to_thread(there.read, len(wanted))
                if found != wanted:
                    return wanted.startswith(found)
            # What git does not tell (a submodule's, a filter's that is missing) is left alone.
            if await process.wait():
                return False
        return not await asyncio.to_thread(there.read, 1)


def _opened(path: Path) -> BinaryIO | None:
    """What git keeps of a file, None where it is nothing that git writes."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return io.BytesIO(os.fsencode(path.readlink()))
    return path.open("rb") if stat.S_ISREG(mode) else None
