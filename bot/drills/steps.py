"""The steps of a drill: read the set back, restore it aside, compare, ask, conclude, clear away.

A step that finds the set bad keeps that before it fails. One that could not be carried out fails
without a verdict: a full disk says nothing about a backup.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import re
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import words
from bot.backups.model import DATABASE, GLOBALS
from bot.backups.threads import in_thread
from bot.backups.verifying import Damaged, check_files
from bot.cancelling import end
from bot.drills.model import (
    Loaded,
    Migration,
    blames_the_place,
    migrations_told,
    several,
    wrong_rows,
)
from bot.drills.places import SPARE
from bot.drills.running import Drill, Result, mark_of, verdict_result
from bot.drills.sql import Session
from bot.errors import Failed, OpsbellError, Unavailable
from bot.operations.model import StepContext
from bot.words import Sign, count

logger = logging.getLogger(__name__)

ASSERTION_LIMIT = timedelta(minutes=30)
_LOOK_EVERY = 5.0
_MIGRATIONS_LIMIT = timedelta(minutes=5)

_LOST = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO, errno.EBADMSG, errno.EUCLEAN)
"""What the system says of a file that is gone or broken; anything else may be a share that is away,
or a right that is missing."""

_ROLE = re.compile(r"^CREATE ROLE (.+);$", re.MULTILINE)

_MIGRATIONS = """
select format('select json_build_array(app, name, applied) from %I.%I', n.nspname, c.relname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = 'django_migrations' and c.relkind = 'r'
  and (select count(*) from pg_catalog.pg_attribute a where a.attrelid = c.oid
       and a.attname in ('app', 'name', 'applied') and not a.attisdropped) = 3
order by n.nspname <> 'public', n.nspname limit 1 \\gexec
"""


class NotCarriedOut(Failed):
    """A restore that was ended, or could not go on, for a reason that is not the set's."""


async def check(drill: Drill, context: StepContext) -> Result:
    """Reads every file of the set back from the disk, archives to their end."""
    manifest = await drill.manifest()

    async def tell(read: int) -> None:
        share = read / manifest.size if manifest.size else None
        await context.progress(f"{words.size(read)} of {words.size(manifest.size)}", share)

    async with drill.files() as directory:
        try:
            await check_files(directory, manifest.files, tell)
        except Damaged as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno not in _LOST:
                raise
            raise await drill.condemned(error.message.rstrip(".")) from error
        roles = await in_thread(_roles_in, directory / GLOBALS)
    files = count(len(manifest.files), "file")
    note = f"{files}, {words.size(manifest.size)} as they were written"
    return {"note": note, "told": note, "roles": roles}


async def make_place(drill: Drill, context: StepContext) -> Result:
    """Makes the empty scratch database."""
    await context.progress("starting")
    dump = (await drill.manifest()).part_size(DATABASE)
    return await drill.needed_place.make(dump)


async def remove_place(drill: Drill, context: StepContext) -> None:
    """Removes all that a drill has made, and proves it gone."""
    if drill.place is not None:
        named = context.operation.results().get("drill.check", {}).get("roles", ())
        await drill.place.remove(drill.made, named)


async def restore(drill: Drill, context: StepContext) -> Result:
    """Restores the set's database into the scratch one."""
    place = drill.needed_place
    database = place.database(drill.made)
    began = datetime.now(UTC)
    async with drill.files(DATABASE) as directory:
        try:
            mark = mark_of(context.operation)
            loading = drill.load(place.target, database, directory, mark, context)
            loaded = await _while_there_is_room(drill, loading)
        except NotCarriedOut:
            raise
        except Failed as error:
            said = f"{error.message}\n{error.output}"
            if why := await place.trouble():
                raise NotCarriedOut(f"Not carried out: {why}.", output=error.output) from error
            if blames_the_place(said) or not drill.made.get("english", True):
                raise
            summary = f"it cannot be restored: {error.message.rstrip('.')}"
            raise await drill.condemned(summary, output=error.output) from error
    took = words.duration(datetime.now(UTC) - began)
    rows = count(sum(loaded.tables.values()), "row")
    tables = count(len(loaded.tables), "table")
    return {"note": f"{tables}, {rows} in {took}", "tables": dict(loaded.tables), "took": took}


async def compare(drill: Drill, context: StepContext) -> Result:
    """Compares rows with the manifest, and Django's migrations with production's."""
    manifest = await drill.manifest()
    found = context.operation.results()["drill.restore"]["tables"]
    if wrong := wrong_rows(manifest.tables, found):
        raise await drill.condemned(several(wrong), output="\n".join(wrong[:50]))
    rows = f"{count(sum(found.values()), 'row')} in {count(len(found), 'table')} as in the manifest"
    ours = await _migrations(drill.scratch)
    if not ours:
        return {"note": rows, "rows": rows}
    note, warning = migrations_told(ours, await _live_migrations(drill), manifest.started)
    if warning:
        note += f" · {Sign.WARNING} {warning}"
    return {"note": f"{rows} · {note}", "rows": rows, "migrations": note}


async def ask(drill: Drill, context: StepContext) -> Result:
    """Asks what the configuration asserts. A false answer condemns the set; a question that the
    database does not understand does not."""
    scratch = drill.scratch
    path = str(drill.made.get("search_path", "public"))
    for number, question in enumerate(drill.assertions, 1):
        await context.progress(f"{number} of {len(drill.assertions)}")
        answer = await scratch.lines(
            f"Assertion {number}",
            # As production's sessions would find its tables; it must not change what follows.
            "select pg_catalog.set_config('search_path', :'path', false) as ignored \\gset\n"
            "set default_transaction_read_only = on;\n"
            f"{question.rstrip().rstrip(';')}\n;",
            {"path": path},
            limit=ASSERTION_LIMIT,
        )
        if answer != ["t"]:
            said = "false" if answer == ["f"] else "not true"
            raise await drill.condemned(f"assertion {number} is {said}: {question.strip()[:200]}")
    return {"note": f"{count(len(drill.assertions), 'assertion')} true"}


async def conclude(drill: Drill, context: StepContext) -> Result:
    """Keeps that the set is good, in one line."""
    results = context.operation.results()
    told = [str(results["drill.check"]["told"])]
    if "drill.restore" in results:
        told = [f"restored in {results['drill.restore']['took']}"]
        told.append(str(results["drill.compare"]["rows"]))
        told += [str(m) for m in [results["drill.compare"].get("migrations")] if m]
    if drill.assertions and "drill.ask" in results:
        told.append(f"{count(len(drill.assertions), 'assertion')} true")
    summary = " · ".join(told)
    await drill.verdict(good=True, summary=summary)
    return {"note": summary, "good": True}


async def concluded(drill: Drill, context: StepContext) -> Result | None:
    """The verdict of this drill, where it is kept already."""
    verdict = await drill.results.of_operation(context.operation.id)
    return verdict_result(verdict) if verdict and verdict.good else None


async def clear(drill: Drill, context: StepContext) -> Result:
    """Removes the scratch database with everything around it."""
    await remove_place(drill, context)
    return {"note": "removed"}


async def _while_there_is_room(drill: Drill, loading: Awaitable[Loaded]) -> Loaded:
    """Waits for a load, and ends it before it fills a disk that production may need."""
    task = asyncio.ensure_future(loading)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_LOOK_EVERY)
            with contextlib.suppress(Unavailable):
                free = await drill.needed_place.room(drill.made)
                if free is not None and free < SPARE // 2 and not task.done():
                    raise NotCarriedOut(
                        f"Not carried out: only {words.size(free)} are left free on the disk that"
                        " it restores to.",
                        hint="Nothing is said about the backup. Free some space first.",
                    )
        return task.result()
    finally:
        await end([task])
        if not task.cancelled():
            task.exception()  # marks it as seen where something else is what people hear of


async def _migrations(session: Session) -> list[Migration]:
    """The rows of Django's table of migrations; none where there is no such table."""
    lines = await session.lines("Reading the migrations", _MIGRATIONS, limit=_MIGRATIONS_LIMIT)
    return [_migration(*json.loads(line)) for line in lines if line]


async def _live_migrations(drill: Drill) -> list[Migration] | None:
    if drill.live is None:
        return None
    try:
        return await _migrations(drill.live)
    except OpsbellError as error:
        logger.warning("production's migrations not read", extra={"error": str(error)})
        return None


def _roles_in(path: Path) -> list[str]:
    """The roles that a set needs, as SQL writes their names."""
    return _ROLE.findall(path.read_text("utf-8", "replace")) if path.exists() else []


def _migration(app: str, name: str, applied: str) -> Migration:
    at = datetime.fromisoformat(applied)
    return Migration(app, name, at if at.tzinfo else at.replace(tzinfo=UTC))
