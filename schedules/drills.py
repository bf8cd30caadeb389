"""The restore drills that the clock makes, and what is said of those it could not make in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.config.cron import CronLine
from bot.config.settings import Settings
from bot.drills.service import Drills
from bot.store.database import Transaction
from schedules.clock import Scheduled


def scheduled_drills(settings: Settings, drills: Drills) -> list[Scheduled]:
    """One thing to do for each target whose backups are to be drilled."""
    return [
        _scheduled(settings, drills, target, policy.verify)
        for target, policy in settings.backups.items()
        if policy.verify
    ]


def _scheduled(settings: Settings, drills: Drills, target: str, verify: CronLine) -> Scheduled:
    async def fire(tx: Transaction, due_at: datetime) -> None:
        await drills.request_due(tx, target, due_at)

    async def missed(tx: Transaction, due_times: Sequence[datetime]) -> None:
        await drills.say_missed(tx, target, list(due_times), "")

    catch_up = settings.backups[target].catch_up
    return Scheduled(f"drill {target}", verify, catch_up, fire, missed)
