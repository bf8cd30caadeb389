"""Reading many checks: each within its limit, none in the way of another, never an exception."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from bot.checks.model import Reading, State
from bot.store.database import Database
from tests.checks.places import checks_of
from tests.checks.test_http import hang, server
from tests.parts.compose_project import ComposeProject
from tests.targets.places import compose_settings, host_settings

DISK = {"kind": "disk", "path": "/", "warn": 100, "crit": 100}
AGE = {"kind": "backup_age", "target": "grandvps", "timeout": "1s"}


async def test_one_that_hangs_delays_none_beyond_its_own_limit(tmp_path: Path) -> None:
    async with server(hang) as url:
        there: dict[str, dict[str, Any]] = {
            f"hangs-{number}": {"kind": "http", "url": url, "timeout": "1s"} for number in range(20)
        }
        async with checks_of(there | {"disk": DISK}) as checks:
            started = time.monotonic()
            disk = await checks.read("disk")
            assert disk.state is State.OK
            readings = await checks.read_many([*there, "disk"])
            # One after the other they would take 20 s.
            assert time.monotonic() - started < 20
    assert [reading.state for reading in readings.values()] == [*[State.UNKNOWN] * 20, State.OK]
    assert readings["hangs-3"].summary == "no answer within 1.0 s"
    assert list(readings) == [*there, "disk"]


async def test_a_look_that_cannot_be_ended_is_not_repeated_meanwhile(tmp_path: Path) -> None:
    """As one that hangs in the kernel: the reading comes in time, and no second look piles up."""
    looks = 0
    may_end = asyncio.Event()

    async def stubborn(target: str) -> datetime | None:
        nonlocal looks
        looks += 1
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue
        return datetime.now(UTC)

    target = host_settings(tmp_path)
    async with checks_of({"backup": AGE}, target, newest_backup=stubborn) as checks:
        assert (await checks.read("backup")).summary == "no answer within 1.0 s"
        started = time.monotonic()
        for _ in range(3):
            reading = await checks.read("backup")
            assert reading.summary == "the look before this one has not ended yet"
        # Each look of its own would take 1 s.
        assert time.monotonic() - started < 3
        assert looks == 1
        may_end.set()
        await checks.close()
        assert (await checks.read("backup")).state is State.OK


async def test_a_defect_is_an_unknown_reading_and_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(target: str) -> datetime | None:
        raise ZeroDivisionError("canary")

    target = host_settings(tmp_path)
    async with checks_of({"backup": AGE}, target, newest_backup=broken) as checks:
        reading = await checks.read("backup")
    assert reading.state is State.UNKNOWN
    assert reading.summary.startswith("an unexpected error; the log has it as ")
    assert "canary" not in repr(reading)
    assert reading.summary.rpartition(" ")[2] in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_check_that_is_not_there(tmp_path: Path) -> None:
    async with checks_of({"disk": DISK}) as checks:
        reading = await checks.read("disc")
        assert (reading.state, reading.summary) == (
            State.UNKNOWN,
            "There is no check called disc.",
        )
        assert checks.names() == ("disk",)


async def test_a_cancelled_reading_ends_its_look(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits(target: str) -> datetime | None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return None

    target = host_settings(tmp_path)
    async with checks_of({"backup": AGE}, target, newest_backup=waits) as checks:
        reading = asyncio.create_task(checks.read("backup"))
        await begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(ended.wait(), 30)


async def test_docker_away_is_a_reason(
    tmp_path: Path, grandvps: ComposeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    sql = {"kind": "sql", "target": "grandvps", "query": "select 1"}
    logs = {"kind": "logs", "target": "grandvps", "service": "web", "pattern": "x"}
    async with checks_of({"sql": sql, "logs": logs}, compose_settings(grandvps)) as checks:
        readings = await checks.read_many(["sql", "logs"])
    for reading in readings.values():
        assert (reading.state, reading.summary) == (
            State.UNKNOWN,
            "The Docker Engine does not run.",
        )
        assert "systemctl start docker" in reading.detail


async def test_a_stopped_service_is_a_reason(own_grandvps: ComposeProject) -> None:
    await own_grandvps.compose("stop", "db")
    sql = {"kind": "sql", "target": "grandvps", "query": "select 1"}
    async with checks_of({"sql": sql}, compose_settings(own_grandvps)) as checks:
        reading = await checks.read("sql")
    assert reading.summary == "The service db of grandvps does not run (exited)."
    assert "up -d db" in reading.detail


async def test_without_knowing_the_secrets_nothing_of_the_target_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    target = host_settings(
        tmp_path, services={"web": {"restart": ["true"], "logs": "web.log"}}, config=[".env"]
    )
    (tmp_path / "web.log").write_text("x\n")
    logs = {"kind": "logs", "target": "grandvps", "service": "web", "pattern": "x"}
    async with checks_of({"logs": logs, "disk": DISK}, target) as checks:
        readings = await checks.read_many(["logs", "disk"])
    assert readings["logs"].state is State.UNKNOWN
    assert "cannot be read" in readings["logs"].summary
    assert readings["disk"].state is State.OK


async def test_a_reading_with_any_text_survives_the_database(database: Database) -> None:
    reading = Reading("disk", State.OK, "a\0b", datetime.now(UTC), 1.5, "%", "c\ud800\0d")
    row = await database.one("select %s::jsonb as kept", (Jsonb(reading.as_json()),))
    assert Reading.from_json(row["kept"]) == reading
    assert (reading.summary, reading.detail) == ("a\ufffdb", "c?\ufffdd")


def test_a_reading_survives_the_database() -> None:
    reading = Reading("disk", State.OK, "fine", datetime.now(UTC), 1.5, "%", "detail")
    assert Reading.from_json(reading.as_json()) == reading
