"""The steps of a restore that are about the database: loaded beside, swapped in, swapped back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.backups.dump_jobs import usable_cores
from bot.backups.model import DATABASE
from bot.backups.threads import in_thread
from bot.errors import Failed
from bot.operations.model import Operation, StepContext
from bot.operations.states import StepState
from bot.restores import databases, keeping, statistics
from bot.restores.closing import in_maintenance, release
from bot.restores.loading import load
from bot.restores.meter import LoadMeter
from bot.restores.roles import drop_made_roles
from bot.restores.running import Restore, Result
from bot.restores.scratch import remove_scratch
from bot.restores.swapping import Swap, exchange, swapped

_SIZE = "select pg_catalog.pg_database_size(:'name'::name) as size"


async def load_database(restore: Restore, context: StepContext) -> Result:
    """Makes the new database beside the live one and loads it, whole and proven."""
    server = restore.server
    live = restore.name if await server.database(restore.name) else None
    jobs = min(statistics.MOST_JOBS, await usable_cores(restore.target, server.service))
    async with restore.dump() as dump:
        read_of = await in_thread(lambda: dump.size) if dump.plain else None
        expected = await _size(restore, live) if live and not dump.plain else None
        meter = LoadMeter(context, expected=expected, read_of=read_of)
        oid = await databases.create(server, restore.incoming, like=live)
        loaded = await load(server, dump, restore.incoming, jobs=jobs, meter=meter)
    return {
        "note": loaded.note,
        "name": restore.incoming,
        "oid": oid,
        "tables": dict(loaded.tables),
        "roles": list(loaded.roles),
    }


async def undo_load(restore: Restore, context: StepContext) -> None:
    """Removes the new database with all that may still work on it, and proves it gone."""
    server = restore.server
    await databases.end_work(server)
    if server.service:
        await remove_scratch(server)
    await databases.drop(server, restore.incoming)
    if await server.database(restore.incoming):
        raise Failed(f"The database {restore.incoming} could not be removed.")
    await drop_made_roles(server)


async def swap_database(restore: Restore, context: StepContext) -> Result:
    """Puts the new database in the live one's place, with the application in maintenance."""
    server, swap = restore.server, _swap(restore, context)
    if swap.live is not None:
        # Before anything is closed: it takes its time with many settings.
        await databases.copy_properties(server, swap.incoming_name, like=swap.name)
    async with in_maintenance(restore, "a backup is being restored") as told:
        await exchange(server, swap)
    return await _settled(restore, context, swap, told)


async def undo_swap(restore: Restore, context: StepContext) -> None:
    """Gives the name back to the database that had it, if it had to give it up. What took the
    name may have been written to since, so it is kept aside too."""
    server = restore.server
    await databases.end_work(server)
    swap = _swap_or_none(restore, context)
    if swap is not None and await swapped(server, swap):
        await _take_back(restore, context, swap)
    await release(restore, [])


async def swap_done(restore: Restore, context: StepContext) -> Result | None:
    """The result of a swap that has happened, as the server's names tell."""
    server = restore.server
    await databases.end_work(server)
    swap = _swap_or_none(restore, context)
    if swap is None or not await swapped(server, swap):
        return None
    told: list[str] = []
    await release(restore, told)
    return await _settled(restore, context, swap, told)


async def _settled(
    restore: Restore, context: StepContext, swap: Swap, told: Sequence[str]
) -> Result:
    """Remembers what lies aside now, and what an undo has used up; whole statistics follow."""
    used = context.step.planned.arguments.get("kept")
    note = f"{swap.name} is the restored one"
    if not used:
        async with restore.database.transaction() as tx:
            whose = {"target": restore.target.name, "oid": swap.incoming}
            await restore.queue.defer(tx, statistics.FOLLOW_JOB, whose)
    if swap.live is not None:
        place = {"database": swap.aside, "oid": swap.live, "name": swap.name}
        kept = await keeping.keep(restore, DATABASE, place, used)
        note = f"{swap.aside} is kept until {restore.moment(kept.until)}"
    return {"note": " · ".join([note, *told]), **_as_json(swap)}


async def _take_back(restore: Restore, context: StepContext, swap: Swap) -> None:
    if swap.live is None:
        raise Failed(f"There was no database {swap.name} before: it stays as it was restored.")
    used = context.step.planned.arguments.get("kept")
    back = swap.back
    # An undo's database goes back to where it was kept; one that was restored is kept anew.
    gone = back if used else Swap(back.name, back.live, restore.undone, back.incoming, swap.aside)
    await databases.copy_properties(restore.server, gone.incoming_name, like=gone.name)
    async with in_maintenance(restore, "a restore is taken back"):
        await exchange(restore.server, gone)
    if used:
        await keeping.unkeep(restore, DATABASE, used)
    else:
        place = {"database": gone.aside, "oid": gone.live, "name": gone.name, "undone": True}
        await keeping.keep(restore, DATABASE, place, None)


def _swap(restore: Restore, context: StepContext) -> Swap:
    swap = _swap_or_none(restore, context)
    if swap is None:
        raise Failed("There is no database that could take the place of the live one.")
    return swap


def _swap_or_none(restore: Restore, context: StepContext) -> Swap | None:
    """The step's swap: as it was done, as its plan has it, or with what was loaded; None where
    nothing was loaded."""
    step = context.step
    if step.state is StepState.DONE and step.result:
        return Swap(**{field: step.result[field] for field in Swap.__dataclass_fields__})
    arguments: Mapping[str, Any] = step.planned.arguments
    incoming = arguments.get("incoming") or _loaded(restore.operation)
    if incoming is None:
        return None
    return Swap(
        restore.name, arguments["live"], restore.aside, int(incoming["oid"]), str(incoming["name"])
    )


def _loaded(operation: Operation) -> Mapping[str, Any] | None:
    return operation.results().get("restore.load")


def _as_json(swap: Swap) -> dict[str, Any]:
    return {field: getattr(swap, field) for field in Swap.__dataclass_fields__}


async def _size(restore: Restore, name: str) -> int:
    rows = await restore.server.rows("Asking for the database's size", _SIZE, name=name)
    return int(rows[0]["size"])
