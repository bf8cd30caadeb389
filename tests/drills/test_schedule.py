"""Drills that the clock makes, and the words that ask for one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.cron import CronLine
from bot.errors import NotFound, UsageError
from bot.operations.asking import Asking
from bot.operations.model import Operation
from bot.operations.states import OperationState
from bot.slack.surface import Kind, Request
from bot.store.database import Database
from bot.store.queue import Queue
from commands.backup import BackupCommand
from schedules.clock import Clock
from schedules.drills import scheduled_drills
from tests.backups.conftest import host_settings
from tests.backups.sample import make_application
from tests.backups.test_command import NoModals
from tests.drills.conftest import DrillBench, open_drills, with_policy

FOUR = datetime(2026, 11, 22, 4, tzinfo=UTC)
"""A Sunday."""


class Night:
    """The clock over the drills of one target, with a time that a test sets."""

    def __init__(self, drills: DrillBench) -> None:
        self.drills = drills
        self.now = FOUR - timedelta(hours=1)
        (self.scheduled,) = scheduled_drills(drills.bench.settings, drills.drills)
        bench = drills.bench
        self._clock = Clock(bench.database, bench.settings.timezone, [], now=lambda: self.now)

    async def sweep(self) -> None:
        """Lets the clock act on what is due, and the queue's worker on what that defers."""
        await self._clock.sweep(self.scheduled)
        rows = await self.drills.bench.database.all(
            "delete from procrastinate_jobs where task_name = 'drill.due' returning args"
        )
        for row in rows:
            await self.drills.drills._due(**row["args"])

    async def operations(self) -> list[Operation]:
        """The drills so far, newest first."""
        return list(await self.drills.bench.operations.last("verify", "grandvps", 10))

    async def texts(self) -> list[str]:
        """What was said of drills in the channel beside their own messages."""
        rows = await self.drills.bench.database.all(
            "select message->>'text' as text from posts where key like 'drill-missed:%'"
        )
        return [row["text"] for row in rows]


@pytest.fixture
async def night(
    tmp_path: Path, application_url: str, database: Database, queue: Queue
) -> AsyncIterator[Night]:
    directory = tmp_path / "application"
    make_application(directory)
    settings = with_policy(
        host_settings(directory, application_url, tmp_path / "store"),
        verify=CronLine("0 4 * * sun"),
    )
    async with open_drills(settings, database, queue) as drills:
        night = Night(drills)
        await night.sweep()
        yield night


async def test_one_is_made_at_its_time_once(night: Night) -> None:
    path, _ = await night.drills.bench.make("database")
    night.now = FOUR
    await night.sweep()
    await night.sweep()
    (operation,) = await night.operations()
    assert (operation.actor, operation.reason) == ("opsbell", "schedule")
    await night.drills.bench.engine.run(operation.id)
    verdict = (await night.drills.results.verdicts("grandvps"))[path.name]
    assert (verdict.good, verdict.by) == (True, "opsbell")


async def test_a_job_that_ran_before_makes_no_second_one(night: Night) -> None:
    await night.drills.bench.make("database")
    for _ in range(2):
        await night.drills.drills._due("grandvps", FOUR.isoformat())
        for operation in await night.operations():
            await night.drills.bench.engine.run(operation.id)
    assert len(await night.operations()) == 1


async def test_one_that_waits_already_is_enough(night: Night) -> None:
    await night.drills.bench.make("database")
    await night.drills.request()
    night.now = FOUR
    await night.sweep()
    assert len(await night.operations()) == 1


async def test_without_a_backup_it_is_said(night: Night) -> None:
    night.now = FOUR
    await night.sweep()
    assert await night.operations() == []
    (text,) = await night.texts()
    assert text == (
        "🔴 The restore drill of grandvps due Sun 22 Nov 04:00 UTC was not made: There is no backup"
        " of grandvps to drill. `/backup verify` makes one."
    )


async def test_missed_ones_are_told_and_late_ones_made(night: Night) -> None:
    await night.drills.bench.make("database")
    night.now = FOUR + timedelta(hours=7)
    await night.sweep()
    assert await night.operations() == []
    (text,) = await night.texts()
    assert text == (
        "🔴 The restore drill of grandvps due Sun 22 Nov 04:00 UTC was not made in time."
        " `/backup verify` makes one."
    )
    night.now = FOUR + timedelta(days=7, hours=5)
    await night.sweep()
    assert len(await night.operations()) == 1


def request(text: str, user: str = "U0ALICE001") -> Request:
    return Request(Kind.COMMAND, f"command:{text}", "backup", user, text=text)


async def test_the_words_that_ask_for_one(night: Night) -> None:
    bench = night.drills.bench
    asking = Asking(bench.database, bench.operations)
    command = BackupCommand(bench.settings, bench.backups, asking)
    path, _ = await bench.make("database")
    for text in ("verify", f"verify {path.name[:12]}", "verify latest"):
        call = command.parse(request(text))
        assert call.access == "backup"
        assert call.query
        answer = await call.query(request(text), NoModals())
        assert answer
        said = f"Restore drill of grandvps {path.name} was queued as operation "
        assert answer.message.text.startswith(f"{said}{answer.data['operation']}")
        assert answer.message.text.endswith(". It is followed in #ops.")
    assert len(await night.operations()) == 3
    call = command.parse(request("plan verify"))
    assert call.query
    answer = await call.query(request("plan verify"), NoModals())
    assert answer
    assert "pg_restore --exit-on-error" in str(answer.message.blocks)
    assert len(await night.operations()) == 3
    with pytest.raises(UsageError):
        command.parse(request("verify one two"))
    call = command.parse(request("verify 1999"))
    assert call.query
    with pytest.raises(NotFound, match="There is no backup"):
        await call.query(request("verify 1999"), NoModals())


async def test_two_of_one_target_run_one_after_another(night: Night, working: Queue) -> None:
    await night.drills.bench.make("database")
    numbers = [await night.drills.request() for _ in range(2)]
    async with asyncio.timeout(60):
        while not all([(await night.drills.bench.operations.get(n)).finished for n in numbers]):
            await asyncio.sleep(0.05)
    first, second = [await night.drills.bench.operations.get(number) for number in numbers]
    assert (first.state, second.state) == (OperationState.DONE, OperationState.DONE)
    assert first.finished
    assert second.started
    assert first.finished <= second.started
