"""What is asked about checklists; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.checklists import store
from bot.checklists.dialogs import History
from bot.checklists.model import Run, finished
from bot.config.checklists import Checklist, Holiday
from bot.config.settings import Settings
from bot.errors import NotFound
from bot.store.database import Database

HISTORY_RUNS = 12


@dataclass(frozen=True)
class Status:
    """A configured checklist, its next due time (None: by hand) and its latest posting."""

    name: str
    checklist: Checklist
    next_due: datetime | None
    run: Run | None


class Lookup:
    """Reads checklists as they stand."""

    def __init__(self, settings: Settings, database: Database, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._database = database
        self._now = now

    async def run(self, run_id: int) -> tuple[Run, History]:
        """A run and what was done with its items. Raises NotFound."""
        async with self._database.transaction() as tx:
            run = await store.load(tx, run_id)
            if run is None:
                raise NotFound("That checklist is gone.", hint="Use /checklist status.")
            return run, await store.history(tx, run.key)

    async def statuses(self, name: str = "") -> list[Status]:
        """Every checklist, or the one named."""
        zone, holidays, now = self._settings.timezone, self._settings.holidays, self._now()
        found = []
        async with self._database.transaction() as tx:
            for listed, checklist in self._settings.checklists.items():
                if name in ("", listed):
                    runs = await store.latest(tx, listed, 1)
                    due = next_due(checklist, holidays, zone, now)
                    found.append(Status(listed, checklist, due, runs[0] if runs else None))
        return found

    async def ended(self, name: str) -> list[Run]:
        """The last runs whose outcome stands, newest first, HISTORY_RUNS at most."""
        async with self._database.transaction() as tx:
            # The newest may be under way; one without a deadline never ends before the next.
            runs = await store.latest(tx, name, HISTORY_RUNS + 1)
        return finished(runs, self._now())[:HISTORY_RUNS]


def next_due(
    checklist: Checklist, holidays: tuple[Holiday, ...], zone: ZoneInfo, now: datetime
) -> datetime | None:
    """The next due time that no rule leaves out; None without a schedule, or within a year."""
    if checklist.schedule is None:
        return None
    due = now.astimezone(zone)
    for _ in range(366):
        due = checklist.schedule.next_after(due)
        if checklist.skipped(due.date(), holidays) is None:
            return due
    return None
