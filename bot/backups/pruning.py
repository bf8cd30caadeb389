"""Removing the sets that no rule keeps: after a good backup, and as a runbook of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bot.backups.model import BackupSet
from bot.backups.retention import reasons
from bot.backups.running import Backup, Result
from bot.errors import OpsbellError
from bot.operations.model import StepContext
from bot.words import Sign, count, join

logger = logging.getLogger(__name__)

MOST_NAMED = 5


async def prune(backup: Backup, context: StepContext) -> Result:
    """Removes what the policy no longer keeps, and ends removals that were begun. Trouble with it
    leaves the new set what it is."""
    published = backup.operation.results().get("backup.publish", {})
    if published.get("warnings"):
        return {"note": "nothing removed: look at the warning first, then prune by hand"}
    try:
        await backup.store.settle()
        going = await unwanted(backup)
        removed = await _remove(backup, going)
    except (OSError, OpsbellError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        logger.warning("sets not removed", extra={"error": str(error)})
        return {"note": f"{Sign.WARNING} old backups were not removed: {told}"}
    named = f": {join([one.id for one in going[:MOST_NAMED]])}" if going else ""
    more = f" and {len(going) - MOST_NAMED} more" if len(going) > MOST_NAMED else ""
    told = (
        f"{count(removed, 'old backup')} removed{named}{more}" if removed else "nothing to remove"
    )
    return {"note": told}


async def remove_named(backup: Backup, context: StepContext) -> Result:
    """Removes the sets that the step's argument names, as far as no rule keeps them still; also
    goes on with that where it was cut short."""
    await backup.store.settle()
    named = {*context.step.planned.arguments["sets"]}
    removed = await _remove(backup, [one for one in await unwanted(backup) if one.id in named])
    return {"note": f"{count(removed, 'backup')} removed", "removed": sorted(named)}


async def unwanted(backup: Backup) -> list[BackupSet]:
    """The sets that no rule keeps, newest first; never the one that this operation has made:
    where the clock was set back, it may look old."""
    sets = await backup.store.sets()
    good = [manifest for one in sets if (manifest := one.good)]
    policy = backup.policy
    kept = reasons(good, policy.keep, backup.zone, backup.clock(), policy.undo_for)
    made = backup.operation.started
    return [one for one in sets if one.good and not kept[one.id] and one.good.started != made]


async def _remove(backup: Backup, unwanted: Sequence[BackupSet]) -> int:
    """Removes sets; how many, those of removals that had been begun among them."""
    begun = await backup.store.clear()
    await backup.store.remove(unwanted)
    return begun + len(unwanted)
