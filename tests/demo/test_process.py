"""`opsbell demo` as people start and stop it. The tests go on in one directory, one after another,
as the starts of somebody who tries it do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import httpx
import psutil
import pytest

from bot.demo.place import held
from tests.demo.conftest import NOON, START, processes_in
from tests.parts.process import ChildProcess, opsbell

READY = "Ctrl-C stops everything"


def demo(directory: Path, port: int = 0) -> ChildProcess:
    """On a free port if need be, in a time zone where no midnight is near."""
    place = ("--directory", str(directory), "--port", str(port))
    return opsbell("demo", *place, cwd=directory.parent, env={"TZ": NOON})


async def address(process: ChildProcess, name: str) -> str:
    """What the terminal says after this name, without the slash at its end."""
    return (await process.wait_for_line(rf"  {name} +(http\S+)/", timeout=START))[1]


def posted(directory: Path, text: str) -> set[str]:
    """The ts of the messages in #ops that say this, as the workspace remembers them."""
    lines = (directory / "workspace/journal.jsonl").read_text().splitlines()
    messages = [line["message"] for line in map(json.loads, lines) if "message" in line]
    return {
        each["ts"]
        for each in messages
        if each["channel"] == "C0OPS00001" and text in json.dumps(each)
    }


async def wait_for_checklist(directory: Path) -> set[str]:
    """Once its evidence is there too."""
    async with asyncio.timeout(30):
        while not posted(directory, "no good backup yet"):
            await asyncio.sleep(0.1)
    return posted(directory, "Daily maintenance")


def is_python(process: psutil.Process) -> bool:
    try:
        return process.name().startswith("python")
    except psutil.NoSuchProcess:
        return False


def complaints(directory: Path) -> list[str]:
    log = (directory / "opsbell.log").read_text().splitlines()
    return [line for line in log if " WARNING " in line or " ERROR " in line]


async def test_a_first_start_prints_a_link_behind_which_all_is_ready(directory: Path) -> None:
    async with demo(directory) as process:
        await process.wait_for_line(READY, timeout=START)
        async with httpx.AsyncClient() as client:
            page = await client.get(await address(process, "The workspace"))
            health = await client.get(f"{await address(process, 'GrandVPS')}/healthz")
        assert (page.status_code, health.status_code) == (200, 200)
        assert len(await wait_for_checklist(directory)) == 1
        [hint] = [line for line in process.output if "second terminal" in line]
        async with ChildProcess(*hint.partition(": ")[2].split(), cwd=directory.parent) as twin:
            assert await twin.wait(timeout=30) == 0
        assert "no backup" in "\n".join(twin.output)
        os.kill(process.pid, signal.SIGINT)
        assert await process.wait(timeout=30) == 0
    assert processes_in(directory) == []


async def test_a_second_start_goes_on_where_the_first_ended(directory: Path) -> None:
    before = posted(directory, "Daily maintenance")
    async with demo(directory) as process:
        await process.wait_for_line(READY, timeout=START)
        assert not any("Making" in line for line in process.output)
        os.kill(process.pid, signal.SIGHUP)  # as when its window is closed
        assert await process.wait(timeout=30) == 0
    assert posted(directory, "Daily maintenance") == before
    assert complaints(directory) == []
    assert processes_in(directory) == []


async def test_a_killed_demo_starts_again_at_once_and_nothing_of_it_is_left(
    directory: Path,
) -> None:
    before = posted(directory, "Daily maintenance")
    async with demo(directory) as process:
        await process.wait_for_line(READY, timeout=START)
        port = int((await address(process, "The workspace")).rpartition(":")[2])
        orphans = {each.pid for each in processes_in(directory)} - {process.pid}
        await process.kill9()
        async with demo(directory, port) as again:
            await again.wait_for_line(READY, timeout=START)
            # GrandVPS's PostgreSQL had nobody who could stop it: it is found and used.
            async with asyncio.timeout(20):
                while [p for p in processes_in(directory) if p.pid in orphans and is_python(p)]:
                    await asyncio.sleep(0.1)
            assert await again.terminate(timeout=30) == 0
    assert posted(directory, "Daily maintenance") == before
    assert processes_in(directory) == []


async def test_a_taken_directory_and_a_taken_port_are_refused(directory: Path) -> None:
    with held(directory):
        async with demo(directory) as second:
            assert await second.wait(timeout=30) == 1
    assert second.output[-1].startswith("Another demo is running in")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with demo(directory, port) as second:
            assert await second.wait(timeout=30) == 1
    assert second.output[-1].startswith(f"Port {port} cannot be used: Address already in use.")


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
async def test_a_port_that_cannot_be_is_refused(directory: Path, port: int) -> None:
    async with demo(directory, port) as process:
        assert await process.wait(timeout=30) == 2
    assert any("Invalid value for '--port'" in line for line in process.output)
    assert not [line for line in process.output if "Traceback" in line]


async def test_a_memory_that_cannot_be_used_is_named(directory: Path) -> None:
    journal = directory / "workspace/journal.jsonl"
    kept = journal.rename(journal.with_suffix(".kept"))
    journal.mkdir()
    try:
        async with demo(directory) as process:
            assert await process.wait(timeout=START) == 1
    finally:
        journal.rmdir()
        kept.rename(journal)
    said = "\n".join(process.output)
    assert f"What the workspace remembers in {directory}/workspace cannot be used" in said
    assert processes_in(directory) == []


@pytest.mark.parametrize("line", ["Starting in", "Making GrandVPS's database", "Starting Opsbell"])
async def test_stopped_while_it_starts_it_leaves_nothing(short_path: Path, line: str) -> None:
    place = short_path / "demo"
    async with demo(place) as process:
        await process.wait_for_line(line, timeout=START)
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGINT)
        assert await process.wait(timeout=30) == 0
    assert process.output[-1].startswith("Stopping")
    assert processes_in(place) == []
