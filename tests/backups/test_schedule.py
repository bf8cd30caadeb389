"""Backups that the clock makes: on time, merged, missed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.config.cron import CronLine
from bot.operations.model import Operation
from bot.operations.states import OperationState
from schedules.backups import scheduled_backups
from schedules.clock import Clock, Scheduled
from tests.backups.conftest import Bench

TWO = datetime(2026, 11, 22, 2, tzinfo=UTC)


class Night:
    """The clock over one target's backups, with a time that a test sets."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.now = TWO - timedelta(hours=1)
        policy = bench.settings.backups[bench.target]
        scheduled = policy.model_copy(update={"schedule": CronLine("0 2 * * *")})
        bench.backups.settings = bench.settings.model_copy(
            update={"backups": {bench.target: scheduled}}
        )
        (self.scheduled,) = self.all()
        self._clock = Clock(bench.database, bench.settings.timezone, [], now=lambda: self.now)

    async def sweep(self) -> None:
        """Lets the clock act on what is due."""
        await self._clock.sweep(self.scheduled)

    def all(self) -> list[Scheduled]:
        """Everything scheduled."""
        return scheduled_backups(self.bench.backups.settings, self.bench.backups, self.bench.posts)

    async def operations(self) -> Sequence[Operation]:
        """The backups so far, newest first."""
        return await self.bench.operations.last("backup", self.bench.target, 10)

    async def events(self) -> list[str]:
        """What the clock has recorded of backups."""
        rows = await self.bench.database.all(
            "select action from events where action like 'backup.%' order by id"
        )
        return [row["action"] for row in rows]


@pytest.fixture
async def night(host: Bench) -> Night:
    night = Night(host)
    await night.sweep()
    return night


async def test_one_is_queued_at_its_time_for_everything(night: Night) -> None:
    night.now = TWO
    await night.sweep()
    await night.sweep()
    (operation,) = await night.operations()
    assert operation.plan.facts["include"] == ["database", "media", "logs", "config"]
    assert (operation.actor, operation.reason) == ("opsbell", "schedule")
    await night.bench.engine.run(operation.id)
    found = await night.bench.backups.find(night.bench.target, "latest")
    assert found.good
    assert (found.good.reason, found.good.by) == ("schedule", "opsbell")


async def test_it_merges_into_one_that_waits(night: Night) -> None:
    await night.bench.request()
    night.now = TWO
    await night.sweep()
    assert len(await night.operations()) == 1
    assert await night.events() == ["backup.merged"]


async def test_it_does_not_merge_into_a_smaller_one_or_one_that_runs(night: Night) -> None:
    await night.bench.request("logs")
    running = await night.bench.request()
    await night.bench.database.execute(
        "update operations set state = 'running' where id = %s", (running,)
    )
    night.now = TWO
    await night.sweep()
    newest = (await night.operations())[0]
    assert (newest.state, newest.reason) == (OperationState.QUEUED, "schedule")


async def test_it_does_not_merge_into_one_that_waits_for_an_unlock(night: Night) -> None:
    async with night.bench.database.transaction() as tx:
        locks = night.bench.operations.locks
        await locks.take(tx, night.bench.target, actor="slack:U0BOB00001", reason="the sale")
    await night.bench.request()
    night.now = TWO
    await night.sweep()
    newest, locked_out = await night.operations()
    assert (newest.reason, locked_out.reason) == ("schedule", "manual")
    await night.bench.engine.run(newest.id)
    assert (await night.bench.operations.get(newest.id)).state is OperationState.DONE


async def test_missed_ones_are_told_in_ops(night: Night) -> None:
    night.now = TWO + timedelta(days=1, hours=7)
    await night.sweep()
    assert await night.operations() == []
    assert await night.events() == ["backup.missed", "backup.missed"]
    rows = await night.bench.database.all("select key, channel, message from posts")
    (post,) = [row for row in rows if row["key"].startswith("backup-missed:")]
    assert post["key"] == "backup-missed:grandvps:2026-11-23T02:00:00+00:00"
    assert post["channel"] == "ops"
    assert post["message"]["text"] == (
        "🔴 The backups of grandvps due Sun 22 Nov 02:00 UTC and Mon 23 Nov 02:00 UTC were not"
        " taken in time. `/backup now` takes one."
    )


async def test_a_late_one_is_made_within_its_limit(night: Night) -> None:
    night.now = TWO + timedelta(hours=5)
    await night.sweep()
    assert len(await night.operations()) == 1
    assert await night.events() == []


async def test_what_cannot_be_planned_is_told_once(night: Night) -> None:
    settings = night.bench.backups.settings
    policy = settings.backups[night.bench.target].model_copy(update={"include": ("photos",)})
    night.bench.backups.settings = settings.model_copy(
        update={"backups": {night.bench.target: policy}}
    )
    night.now = TWO
    await night.sweep()
    await night.sweep()
    assert await night.events() == ["backup.missed"]
    rows = await night.bench.database.all("select message->>'text' as text from posts")
    (row,) = rows
    assert row["text"] == (
        '🔴 The backup of grandvps due Sun 22 Nov 02:00 UTC was not taken: "photos" is no part of'
        " a backup. A backup of grandvps can hold database, media, logs and config."
        " `/backup now` takes one."
    )


async def test_a_target_without_a_schedule_has_none(host: Bench) -> None:
    assert scheduled_backups(host.settings, host.backups, host.posts) == []
