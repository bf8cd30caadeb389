"""The first step of a restore: whether it can go well, found out while nothing has changed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot import words
from bot.backups.model import ARCHIVE, DATABASE, GLOBALS, part_of
from bot.backups.threads import in_thread
from bot.backups.verifying import check_files
from bot.errors import Failed
from bot.operations.model import StepContext
from bot.restores.file_steps import check_files_of
from bot.restores.model import file_name
from bot.restores.plain import inspect
from bot.restores.running import Restore, Result
from bot.restores.server import Server, major

SPARE = 1.1
"""Free space wanted, as a multiple of what the data take."""

_QUICK = timedelta(seconds=30)
_SERVER = """
select current_setting('server_version_num')::int as version, r.rolsuper, r.rolcreatedb,
    d.oid::bigint as oid,
    pg_catalog.pg_has_role(d.datdba, 'member') as owner,
    case when pg_catalog.has_database_privilege(d.oid, 'connect')
        then pg_catalog.pg_database_size(d.oid) end as size,
    (select count(*) from pg_catalog.pg_prepared_xacts where database = :'name') as prepared,
    (select array_agg(datname) from pg_catalog.pg_database
        where datname in (:'incoming', :'aside', :'undone')) as taken,
    case when r.rolsuper then current_setting('data_directory') end as directory
from pg_catalog.pg_roles r left join pg_catalog.pg_database d on d.datname = :'name'
where r.rolname = current_user
"""


async def check(restore: Restore, context: StepContext) -> Result:
    """Reads the set back and looks at the server. Raises Failed for what would end the restore."""
    said = [await _check_set(restore, context)]
    if DATABASE in restore.parts:
        said.append(await _check_server(restore))
    return {"note": " · ".join(said)}


async def _check_set(restore: Restore, context: StepContext) -> str:
    if file_name(restore.set_id):
        async with restore.dump() as dump:
            facts = await in_thread(inspect, dump.path)
            ends = "its line ends are CR LF and become LF" if facts.crlf else "whole"
            return f"{words.size(dump.size)}, {ends}"
    found = await restore.backups.find(restore.target.name, restore.set_id)
    if found.manifest is None:
        raise Failed(f"{restore.set_id} cannot be restored: {found.trouble}.")
    wanted = {*restore.parts}
    files = [
        file
        for file in found.manifest.files
        if part_of(file.path) in wanted or (file.path == GLOBALS and DATABASE in wanted)
    ]
    total = sum(file.size for file in files)

    async def tell(read: int) -> None:
        await context.progress(f"{words.size(read)} read back", read / total if total else None)

    said = [f"{words.count(len(files), 'file')}, {words.size(total)} read back"]
    async with restore.fetched(*restore.parts) as directory:
        await check_files(directory, files, tell)
        for part in restore.parts:
            if part != DATABASE:
                archive = directory / f"{part}{ARCHIVE}"
                said.append(await check_files_of(restore, part, archive))
    return " · ".join(said)


async def _check_server(restore: Restore) -> str:
    server = restore.server
    for tool in ("psql", "pg_restore", "vacuumdb"):
        await _has(server, tool)
    [found] = await server.rows(
        "Looking at the server",
        _SERVER,
        name=restore.name,
        incoming=restore.incoming,
        aside=restore.aside,
        undone=restore.undone,
    )
    if trouble := _trouble(restore, found):
        raise Failed(trouble)
    needed = int(max(found["size"] or 0, await _dumped(restore)) * SPARE)
    free = await _free(server, found["directory"])
    if free is not None and free < needed:
        raise Failed(
            f"Not enough space for a second database: {words.size(free)} free, about"
            f" {words.size(needed)} needed.",
            hint="Free some space on the database's disk. Nothing was changed.",
        )
    room = f"{words.size(free)} free" if free is not None else "free space not known"
    return f"PostgreSQL {major(found['version'])}, {room}"


def _trouble(restore: Restore, found: Mapping[str, Any]) -> str:
    planned = restore.operation.plan.facts["database"]
    if found["oid"] != planned:
        return f"{restore.name} is another database than the one that was planned for."
    if not found["rolsuper"] and not (found["rolcreatedb"] and found["owner"] is not False):
        return (
            f"The database's user may not make databases and rename {restore.name}:"
            " it has to own it and have CREATEDB, or be a superuser."
        )
    if found["prepared"]:
        count = words.count(found["prepared"], "prepared transaction")
        return f"{restore.name} has {count}: commit or roll back first (pg_prepared_xacts)."
    if found["taken"]:
        return f"There is a database called {found['taken'][0]} already."
    return ""


async def _dumped(restore: Restore) -> int:
    """The bytes of the dump: the least that its database takes."""
    if not file_name(restore.set_id):
        found = await restore.backups.find(restore.target.name, restore.set_id)
        return found.manifest.part_size(DATABASE) if found.manifest else 0
    async with restore.dump() as dump:
        return await in_thread(lambda: dump.size)


async def _has(server: Server, tool: str) -> None:
    argv = [server.target.tool(tool), "--version"]
    done = await server.target.run(argv, timeout=_QUICK, service=server.service)
    if done.status:
        raise Failed(f"{tool} does not run: {done.stderr.strip()[:200]}")


async def _free(server: Server, directory: str | None) -> int | None:
    """The free bytes where the server keeps its data; None where that cannot be seen from here."""
    if directory is None:
        return None
    if server.service is None:
        try:
            return (await in_thread(shutil.disk_usage, Path(directory))).free
        except OSError:
            return None
    done = await server.target.run(
        ["df", "-P", "-k", directory], timeout=_QUICK, service=server.service
    )
    fields = done.stdout.strip().rpartition("\n")[2].split()
    known = done.status == 0 and len(fields) > 3 and fields[3].isdigit()
    return int(fields[3]) * 1024 if known else None
