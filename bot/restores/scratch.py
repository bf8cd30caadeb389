"""A copy of a dump inside the database's container, for tools that have to move about in it."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath

from bot import words
from bot.backups.dump_scratch import Place, choose, find_places
from bot.backups.processes import failure
from bot.backups.threads import in_thread
from bot.errors import Failed, Unavailable
from bot.restores.meter import LoadMeter
from bot.restores.server import Server
from bot.targets.model import Process
from bot.targets.waiting import to_the_end

_READ_SIZE = 1 << 20
_QUICK = timedelta(seconds=60)
_UNPACK = 'mkdir -m 700 -- "$1" && exec tar -x -f - -C "$1"'


@asynccontextmanager
async def scratch_copy(
    server: Server, path: Path, meter: LoadMeter, *, only: str = ""
) -> AsyncIterator[PurePosixPath]:
    """A copy of a file, or of a flat directory (or of the one file `only` in it), in the server's
    container while the block runs. Raises Failed where there is no room."""
    files = await in_thread(lambda: _files(path, only))
    service = _service(server)
    needed = sum(size for _, _, size in files)
    place = choose(await find_places(server.target, service), needed)
    if place is None:
        raise Failed(
            f"No room for the dump in the container of {service}: {words.size(needed)} are needed"
            " in /tmp or /var/tmp, and some to spare."
        )
    directory = _directory(server, place)
    try:
        await _copy(server, files, directory, meter)
        yield PurePosixPath(directory) / path.name
    finally:
        await to_the_end(_run(server, "rm", "-rf", "--", directory))


async def remove_scratch(server: Server) -> None:
    """Removes what a scratch copy under the server's mark has left, wherever it may lie."""
    for place in await find_places(server.target, _service(server)):
        await _run(server, "rm", "-rf", "--", _directory(server, place))


def _service(server: Server) -> str:
    if server.service is None:
        raise ValueError("on this machine nothing has to be copied")
    return server.service


def _directory(server: Server, place: Place) -> str:
    digest = hashlib.sha256(server.mark.encode()).hexdigest()[:16]
    return str(PurePosixPath(place.path) / f"opsbell-restore-{digest}")


async def _run(server: Server, *argv: str) -> None:
    done = await server.target.run(list(argv), timeout=_QUICK, service=server.service)
    if done.status:
        raise failure(server.target, argv[0], done.status, done.stderr)


def _files(path: Path, only: str) -> list[tuple[Path, str, int]]:
    """Each file with its name in the copy and its size."""
    if not path.is_dir():
        return [(path, path.name, path.stat().st_size)]
    inside = [each for each in sorted(path.iterdir()) if not only or each.name == only]
    return [(each, f"{path.name}/{each.name}", each.stat().st_size) for each in inside]


async def _copy(
    server: Server, files: list[tuple[Path, str, int]], place: str, meter: LoadMeter
) -> None:
    async with server.target.process(
        ["sh", "-c", _UNPACK, "sh", place],
        service=server.service,
        environment=server.environment(server.elsewhere),
        stdin=True,
    ) as process:
        try:
            sent = 0
            for path, name, size in files:
                await _send(process, path, name, size)
                sent += size
                await meter.show(sent)
            await process.write(bytes(2 * tarfile.BLOCKSIZE))
            await process.end_input()
        except Unavailable:
            pass  # it has ended: its exit status says how
        if status := await process.wait():
            raise failure(server.target, "tar", status, process.error_tail)


async def _send(process: Process, path: Path, name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    await process.write(info.tobuf(tarfile.GNU_FORMAT))
    left = size
    with await in_thread(path.open, "rb") as file:
        while left and (data := await in_thread(file.read, min(left, _READ_SIZE))):
            await process.write(data)
            left -= len(data)
    if left:
        raise Failed(f"{path.name} became shorter while it was read.")
    await process.write(bytes(-size % tarfile.BLOCKSIZE))
