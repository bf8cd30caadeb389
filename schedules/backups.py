"""The backups that the clock makes, and what is said of those it could not make in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.backups import view
from bot.backups.service import Backups
from bot.config.cron import CronLine
from bot.config.settings import Settings
from bot.errors import OpsbellError
from bot.slack.posts import Posts
from bot.store.database import Transaction
from bot.store.events import Event
from schedules.clock import Scheduled

ACTOR = "opsbell"


def scheduled_backups(settings: Settings, backups: Backups, posts: Posts) -> list[Scheduled]:
    """One thing to do for each target whose backups have a schedule."""
    return [
        _scheduled(settings, backups, posts, target, policy.schedule)
        for target, policy in settings.backups.items()
        if policy.schedule
    ]


def _scheduled(
    settings: Settings, backups: Backups, posts: Posts, target: str, schedule: CronLine
) -> Scheduled:
    async def say_missed(tx: Transaction, due_times: Sequence[datetime], why: str) -> None:
        for due_at in due_times:
            detail = {"why": why}
            tx.record(_event(target, "backup.missed", due_at, detail, outcome="failed"))
        slash = f"/{settings.slack.command_prefix}backup"
        await posts.put(
            tx,
            f"backup-missed:{target}:{due_times[-1].isoformat()}",
            channel=settings.slack.channel("ops"),
            message=view.missed(target, due_times, why, zone=settings.timezone, slash=slash),
        )

    async def fire(tx: Transaction, due_at: datetime) -> None:
        try:
            plan = backups.plan(target)
        except OpsbellError as error:
            await say_missed(tx, [due_at], str(error))
            return
        if waiting := await backups.waiting(tx, plan):
            tx.record(_event(target, "backup.merged", due_at, {"operation": waiting.id}))
            return
        key = f"backup:{target}:{due_at.isoformat()}"
        await backups.request(tx, plan, actor=ACTOR, reason="schedule", request_key=key)

    async def missed(tx: Transaction, due_times: Sequence[datetime]) -> None:
        await say_missed(tx, due_times, "")

    catch_up = settings.backups[target].catch_up
    return Scheduled(f"backup {target}", schedule, catch_up, fire, missed)


def _event(
    target: str, action: str, due_at: datetime, detail: Mapping[str, Any], *, outcome: str = "noted"
) -> Event:
    told = {"due_at": due_at.isoformat(), **detail}
    return Event(ACTOR, action, f"backup:{target}", target, outcome, told)
