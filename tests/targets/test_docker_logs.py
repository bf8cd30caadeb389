"""Logs of containers, with and without a terminal."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import NotFound
from bot.targets.docker_logs import container_log
from bot.targets.engine import Engine
from bot.targets.model import LogLine, Target
from tests.parts.compose_project import ComposeProject, run
from tests.parts.owner import owner_tag
from tests.targets.places import compose_settings, opened

EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def target(grandvps: ComposeProject) -> AsyncIterator[Target]:
    async with opened(compose_settings(grandvps)) as compose:
        yield compose


async def test_both_outputs_and_their_times(target: Target) -> None:
    found = [line async for line in target.logs("db", EVER)]
    assert any("ready to accept connections" in line.text for line in found)
    assert [line.at for line in found] == sorted(line.at for line in found)
    assert abs(found[-1].at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_only_what_is_new_is_read(target: Target, grandvps: ComposeProject) -> None:
    before = [line async for line in target.logs("web", EVER)]
    assert before
    since = before[-1].at + timedelta(microseconds=1)
    assert [line async for line in target.logs("web", since)] == []
    await grandvps.exec("web", "curl", "-s", "http://127.0.0.1:8000/fail")
    new: list[str] = []
    async with asyncio.timeout(60):  # the Engine writes down what it is told a moment later
        while "Traceback (most recent call last):" not in new:
            new = [line.text async for line in target.logs("web", since)]
    assert any("Internal Server Error: /fail" in text for text in new)


async def test_a_stopped_service_still_has_its_log(own_grandvps: ComposeProject) -> None:
    await own_grandvps.compose("stop", "web")
    async with opened(compose_settings(own_grandvps)) as target:
        assert [line async for line in target.logs("web", EVER)]


async def test_a_service_that_is_not_there_is_named(target: Target) -> None:
    with pytest.raises(NotFound, match="no service called worker"):
        _ = [line async for line in target.logs("worker", EVER)]


@pytest.mark.parametrize("terminal", [False, True])
async def test_lines_of_any_length(compose_ready: None, terminal: bool) -> None:
    """The Engine keeps a line in pieces of 16 KiB; 64 KiB of it are given."""
    name = f"{owner_tag()}-log-{terminal}"
    script = (
        "echo short; head -c 50000 /dev/zero | tr '\\0' x; echo; "
        "head -c 300000 /dev/zero | tr '\\0' y; echo; printf end"
    )
    command = ("opsbell-test/base:trixie", "sh", "-c", script)
    await run("docker", "run", "--name", name, *(("--tty",) if terminal else ()), *command)
    engine = Engine()
    try:
        found = [line async for line in container_log(engine, name, EVER)]
    finally:
        await engine.close()
        await run("docker", "rm", "--force", name)
    short, long, cut, end = found
    assert (short.text, end.text) == ("short", "end")
    assert long.text.count("x") == 50000
    assert 60_000 < cut.text.count("y") <= 64 * 1024
    assert all(line.at > EVER for line in found)
    assert isinstance(short, LogLine)
