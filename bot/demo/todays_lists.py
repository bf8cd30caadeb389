"""Today's checklists at the demo's start: what fell due while nothing ran is posted as by hand.

The clock would post it too, and say how late it is. Here nobody was late: the demo was not running.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.config.cron import CronLine
from bot.core import Core
from bot.store import ticks
from schedules.checklists import tick_name

DAILY = "daily"


async def post_todays_lists(core: Core, now: datetime) -> None:
    """Posts each list that was due today and that the clock has not dealt with, once.

    Due times of earlier days are dealt with in silence. A list that was never seen before is the
    clock's, but for the daily one: that waits from the first start on.
    """
    for name, checklist in core.settings.checklists.items():
        if checklist.schedule is not None:
            await _post(core, name, checklist.schedule, now)


async def _post(core: Core, name: str, schedule: CronLine, now: datetime) -> None:
    zone, tick = core.settings.timezone, tick_name(name)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    last = await ticks.last(core.database, tick, now)
    if last is None:
        if name != DAILY:
            return
        last = midnight - timedelta(minutes=1)
    async with core.database.transaction() as tx:
        due = schedule.between(last, now, zone)
        claimed = [at for at in due if await ticks.claim(tx, tick, at, "done")]
        if claimed and claimed[-1] >= midnight:
            await core.checklists.post(tx, name, None)
