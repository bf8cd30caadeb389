"""Evidence: from real checks, and never in the way of the post."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from bot.checks.model import Reading, State
from bot.checks.service import Checks
from bot.playground import Message
from bot.store.queue import Queue
from tests.checklists.conftest import ALICE, NINE, Bench

HANGS_FOR = "1s"


@pytest.fixture
async def hanging_port() -> AsyncIterator[int]:
    """A server that takes connections and never says a word."""
    gone = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        gone.set()


@pytest.fixture
def configured(hanging_port: int) -> Mapping[str, Any]:
    url = f"http://127.0.0.1:{hanging_port}/"
    return {
        "checks": {
            "disk": {"kind": "disk", "path": "/", "warn": 99, "crit": 100},
            "no-such-path": {"kind": "disk", "path": "/no/such/path", "warn": 80, "crit": 90},
            "hangs": {"kind": "http", "url": url, "timeout": HANGS_FOR},
        },
        "checklists": {
            "daily": {
                "title": "Daily maintenance",
                "items": [
                    {"text": "Look at the disk", "check": "disk"},
                    {"text": "Look at nothing", "check": "no-such-path"},
                    {"text": "Look at the site", "check": "hangs"},
                    {"text": "Look again at the disk", "check": "disk"},
                ],
            },
        },
    }


def evidence(message: Message) -> list[str]:
    return [line for line in message.plain.splitlines() if "looking" in line or ": " in line]


async def test_a_check_that_hangs_delays_nothing_but_itself(bench: Bench, working: Queue) -> None:
    run = await bench.post()
    first = await bench.slack.wait_for_message("ops", "Daily maintenance", timeout=20)
    shown = await bench.slack.wait_for_message(
        "ops", where=lambda m: "unknown" in m.plain and "looking" not in m.plain, timeout=20
    )
    assert (shown.history or [shown])[0].plain == first.plain
    assert "⚪ looking …" in first.plain
    lines = [line for line in shown.plain.splitlines() if line[0] in "✅⚫"]
    assert [line.split(":")[0] for line in lines] == [
        "✅ ok",
        "⚫ unknown",
        "⚫ unknown",
        "✅ ok",
    ]
    readings = [item.reading for item in (await bench.run(run)).items]
    assert all(reading and reading.summary for reading in readings)


async def test_evidence_is_shown_as_it_comes_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = asyncio.Event()

    async def one_by_one(_checks: Checks, name: str) -> Reading:
        """Real looks may be held up between one and the next for longer than these."""
        if name == "hangs":
            await gone.wait()
        elif name == "no-such-path":
            await asyncio.sleep(0.1)
        return Reading(name, State.OK, "all well", NINE)

    monkeypatch.setattr(Checks, "read", one_by_one)
    run = await bench.post()
    gathering = asyncio.create_task(
        bench.jobs.gather_evidence(run.id, ["disk", "hangs", "no-such-path"])
    )
    async with asyncio.timeout(30):
        while not (await bench.item(run, 1)).reading:
            await asyncio.sleep(0.02)
    # What had come was kept in one go, and the message says it already.
    readings = [item.reading for item in (await bench.run(run)).items]
    assert [reading is None for reading in readings] == [False, False, True, False]
    assert not gathering.done()
    said = await bench.said(run.key)
    assert said
    assert str(said.blocks).count("looking …") == 1
    gone.set()
    await gathering
    assert (await bench.item(run, 3)).reading


def bad(reading: Reading) -> Reading:
    """The reading with a text that no database takes, which a reading never has by itself."""
    object.__setattr__(reading, "summary", "zero \0 byte")
    return reading


async def test_one_that_cannot_be_kept_is_unknown_and_loses_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = Checks.read

    async def badly(checks: Checks, name: str) -> Reading:
        if name == "no-such-path":
            raise ZeroDivisionError
        reading = await read(checks, name)
        return bad(reading) if name == "disk" else reading

    monkeypatch.setattr(Checks, "read", badly)
    run = await bench.post()
    await bench.jobs.gather_evidence(run.id, ["disk", "hangs", "no-such-path"])
    readings = [item.reading for item in (await bench.run(run)).items]
    summaries = [reading.summary for reading in readings if reading]
    assert all(reading and reading.state is State.UNKNOWN for reading in readings)
    assert [text.partition(";")[0] for text in summaries] == [
        "an unexpected error",
        "an unexpected error",
        "no answer within 1.0 s",
        "an unexpected error",
    ]
    assert all(text.rpartition(" ")[2] in caplog_numbers(caplog) for text in summaries[:2])


def caplog_numbers(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["reference"] for record in caplog.records if "reference" in vars(record)]


async def test_refreshing_looks_again_at_one_check_only(bench: Bench) -> None:
    run = await bench.post()
    await bench.jobs.gather_evidence(run.id, ["disk", "no-such-path"])
    before = await bench.run(run)
    async with bench.database.transaction() as tx:
        await bench.checklists.refresh(tx, run.id, 1, ALICE)
    after = await bench.run(run)
    # Both items that stand on this check wait for it; the other evidence stays.
    assert [item.reading is None for item in after.items] == [True, False, True, True]
    assert after.items[1].reading == before.items[1].reading
    row = await bench.database.one("select args from procrastinate_jobs order by id desc limit 1")
    assert row["args"] == {"run": run.id, "checks": ["disk"]}
