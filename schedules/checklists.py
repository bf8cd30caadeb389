"""The checklists that the clock posts, except on the days that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.checklists.service import Checklists
from bot.config.cron import CronLine
from bot.config.settings import Settings
from bot.store.database import Transaction
from schedules.clock import Scheduled


def scheduled_checklists(settings: Settings, checklists: Checklists) -> list[Scheduled]:
    """One thing to do for each checklist that has a schedule."""
    return [
        _scheduled(settings, checklists, name, checklist.schedule)
        for name, checklist in settings.checklists.items()
        if checklist.schedule
    ]


def tick_name(checklist: str) -> str:
    """The name under which the clock knows a checklist."""
    return f"checklist {checklist}"


def _scheduled(
    settings: Settings, checklists: Checklists, name: str, schedule: CronLine
) -> Scheduled:
    checklist = settings.checklists[name]

    def left_out(tx: Transaction, due_at: datetime) -> bool:
        """Records and tells whether the due time falls on a day that is left out."""
        day = due_at.astimezone(settings.timezone).date()
        why = checklist.skipped(day, settings.holidays)
        if why is None:
            return False
        checklists.skip(tx, name, due_at, why)
        return True

    async def fire(tx: Transaction, due_at: datetime) -> None:
        if not left_out(tx, due_at):
            await checklists.post(tx, name, due_at)

    async def missed(tx: Transaction, due_times: Sequence[datetime]) -> None:
        if expected := [due_at for due_at in due_times if not left_out(tx, due_at)]:
            await checklists.missed(tx, name, expected)

    return Scheduled(tick_name(name), schedule, checklist.catch_up, fire, missed)
