"""A copy of a dump inside the database's container, for tools that have to move about in it."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath

from bot.backups.processes import failure
from bot.backups.threads import in_thread
from bot.errors import Failed, Unavailable
from bot.restores.meter import LoadMeter
from bot.restores.server import Server
from bot.targets.model import Process
from bot.targets.waiting import to_the_end

_READ_SIZE = 1 << 20
_QUICK = timedelta(seconds=60)
# Never in memory (a limit of the container's would end the server), never beside the server's data.
_PLACES = ("/tmp", "/var/tmp")  # noqa: S108 - in the container, in a private directory
_MEMORY = ("tmpfs", "ramfs", "shm")


def scratch_directory(mark: str, place: str = _PLACES[0]) -> PurePosixPath:
    """Where the scratch copy of a load lies, told from its mark."""
    return (
        PurePosixPath(place) / f"opsbell-restore-{hashlib.sha256(mark.encode()).hexdigest()[:16]}"
    )


@asynccontextmanager
async def scratch_copy(
    server: Server, path: Path, meter: LoadMeter, *, only: str = ""
) -> AsyncIterator[PurePosixPath]:
    """A copy of a file, or of a flat directory (or of the one file `only` in it), in the server's
    container while the block runs. Raises Failed where there is no room."""
    files = await in_thread(lambda: _files(path, only))
    place = await _with_room(server, sum(size for _, _, size in files))
    try:
        await _run(server, "mkdir", "-m", "700", "--", str(place))
        await _copy(server, files, place, meter)
        yield place / path.name
    finally:
        await to_the_end(remove_scratch(server, place))


async def remove_scratch(server: Server, *places: PurePosixPath) -> None:
    """Removes scratch copies of the server's mark: those given, or wherever one may lie."""
    found = places or tuple(scratch_directory(server.mark, place) for place in _PLACES)
    await _run(server, "rm", "-rf", "--", *(str(each) for each in found))


async def _with_room(server: Server, needed: int) -> PurePosixPath:
    """A place on the container's disk with room for that many bytes."""
    most = 0
    for place in _PLACES:
        done = await server.target.run(
            ["df", "-P", "-k", place], timeout=_QUICK, service=server.service
        )
        fields = done.stdout.strip().rpartition("\n")[2].split()
        if done.status or len(fields) < 4 or not fields[3].isdigit() or fields[0] in _MEMORY:
            continue
        most = max(most, int(fields[3]) * 1024)
        if most > needed:
            return scratch_directory(server.mark, place)
    raise Failed(
        f"No room for the dump in the container of {server.service}:"
        f" {needed} bytes needed in /tmp or /var/tmp, {most} free."
    )


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
    server: Server, files: list[tuple[Path, str, int]], place: PurePosixPath, meter: LoadMeter
) -> None:
    async with server.target.process(
        ["tar", "-x", "-f", "-", "-C", str(place)],
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
