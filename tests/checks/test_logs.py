"""Matching lines in real logs, counted and shown without their secrets."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from bot.checks.model import State
from tests.checks.places import checks_of
from tests.parts.compose_project import ComposeProject
from tests.targets.places import compose_settings, host_settings

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def host(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / ".env").write_text("PAYMENT_API_KEY=canary-key-1234\n")
    services = {"web": {"restart": ["true"], "logs": "web.log"}}
    return host_settings(tmp_path, services=services, config=[".env"])


def logs(**more: Any) -> dict[str, Any]:
    return {
        "kind": "logs",
        "target": "grandvps",
        "service": "web",
        "pattern": "ERROR|CRITICAL",
        **more,
    }


async def test_a_container_log_with_a_secret_in_it(grandvps: ComposeProject) -> None:
    await grandvps.exec("web", "curl", "-s", "http://127.0.0.1:8000/fail")
    check = logs(warn=1, crit=50)
    async with checks_of({"app-logs": check}, compose_settings(grandvps)) as checks:
        reading = await checks.read("app-logs")
    assert reading.state is State.WARNING
    assert reading.value is not None
    assert reading.value >= 2
    assert f"{reading.value:.0f} errors in 24 h, the last " in reading.summary
    assert reading.summary.endswith(" (limit 1)")
    assert "could not connect to postgresql://grandvps_user:***@db:5432/" in reading.detail
    assert "Internal Server Error: /fail" in reading.detail
    assert grandvps.canary not in repr(reading)
    assert grandvps.canary not in str(reading.as_json())


async def test_the_window_and_the_last_lines(tmp_path: Path) -> None:
    target = host(tmp_path)
    hours = [30, 25, 20, 10, 5, 4, 3, 2, 1]
    (tmp_path / "web.log").write_text(
        "".join(
            f"{NOW - timedelta(hours=h):%Y-%m-%dT%H:%M:%SZ} {'ERROR' if h != 3 else 'INFO'} {h}\n"
            for h in hours
        )
    )
    async with checks_of({"app-logs": logs(crit=6)}, target, now=lambda: NOW) as checks:
        reading = await checks.read("app-logs")
    assert (reading.state, reading.value) == (State.CRITICAL, 6)
    # In the configured time zone, an hour ahead of UTC.
    assert reading.summary == "6 errors in 24 h, the last 14:00 (limit 6)"
    assert reading.detail.splitlines() == [
        "05:00  2026-11-22T04:00:00Z ERROR 10",
        "10:00  2026-11-22T09:00:00Z ERROR 5",
        "11:00  2026-11-22T10:00:00Z ERROR 4",
        "13:00  2026-11-22T12:00:00Z ERROR 2",
        "14:00  2026-11-22T13:00:00Z ERROR 1",
    ]


async def test_an_older_day_is_named_and_other_patterns_are_no_errors(tmp_path: Path) -> None:
    target = host(tmp_path)
    (tmp_path / "web.log").write_text("2026-11-20T13:00:00Z failed login\n")
    checks_there = {
        "logins": logs(pattern="(?i)failed login", within="7d"),
        "none": logs(pattern="panic", within="90m"),
    }
    async with checks_of(checks_there, target, now=lambda: NOW) as checks:
        readings = await checks.read_many(checks_there)
    assert readings["logins"].summary == "1 matching line in 7 d, the last 20 Nov 14:00"
    assert readings["none"].summary == "no matching lines in 1 h 30 min"
    assert readings["none"].state is State.OK


async def test_secrets_are_hidden_before_lines_are_cut(tmp_path: Path) -> None:
    target = host(tmp_path)
    (tmp_path / "web.log").write_text(
        f"2026-11-22T13:00:00Z ERROR {'x' * 265} canary-key-1234\n"
        f"2026-11-22T13:00:01Z ERROR password=hunter2hunter2 {'y' * 5000}\n"
    )
    async with checks_of({"app-logs": logs()}, target, now=lambda: NOW) as checks:
        reading = await checks.read("app-logs")
    assert "canary" not in reading.detail
    assert "hunter2" not in reading.detail
    assert max(map(len, reading.detail.splitlines())) < 320


def searches() -> list[psutil.Process]:
    """The processes that search for a pattern now."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if any("match_lines" in word for word in child.cmdline()):
                found.append(child)
    return found


async def test_a_pattern_that_takes_for_ever_holds_up_nothing(tmp_path: Path) -> None:
    target = host(tmp_path)
    (tmp_path / "web.log").write_text(f"2026-11-22T13:00:00Z {'a' * 60_000}\n" * 20)
    there = {
        "endless": logs(pattern="(a+)+b", timeout="5m"),
        "given-up": logs(pattern="(a+)+b", timeout="1s"),
        "quick": logs(pattern="a", timeout="60s"),
    }
    async with checks_of(there, target, now=lambda: NOW) as checks:
        endless = asyncio.create_task(checks.read("endless"))
        async with asyncio.timeout(60):
            while not searches():
                await asyncio.sleep(0.05)
        assert (await checks.read("quick")).value == 20
        assert not endless.done()
        endless.cancel()
        with suppress(asyncio.CancelledError):
            await endless
        assert (await checks.read("given-up")).summary == "no answer within 1.0 s"
    assert not searches()


async def test_many_lines_and_any_text(tmp_path: Path) -> None:
    target = host(tmp_path)
    with (tmp_path / "web.log").open("wb") as file:
        for number in range(30_000):
            file.write(b"2026-11-22T13:00:00Z ERROR \xff\r \x85 \xe2\x80\xa8 %d\n" % number)
    patterns = {"all": "ERROR", "last": "29999$", "accents": "^é"}
    there = {name: logs(pattern=pattern, timeout="60s") for name, pattern in patterns.items()}
    async with checks_of(there, target, now=lambda: NOW) as checks:
        readings = await checks.read_many(there)
    assert [reading.value for reading in readings.values()] == [30_000, 1, 0]


async def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    async with checks_of({"app-logs": logs()}, host(tmp_path)) as checks:
        reading = await checks.read("app-logs")
    assert reading.state is State.UNKNOWN
    assert reading.summary == f"The log file {tmp_path / 'web.log'} does not exist."
