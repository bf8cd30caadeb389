"""`opsbell status`: how Opsbell is, said by a terminal beside it."""

import asyncio
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import web
from bot.config.values import Address
from bot.operations.states import OperationState
from bot.slack.client import open_session
from bot.slack.gateway import GatewayStatus
from bot.status import Status, as_data, from_outside, message
from bot.terminal import lines
from bot.web import connection_at
from tests.parts.house import app_slack, running_opsbell, slack_environment, write_config
from tests.parts.network import free_port
from tests.parts.process import opsbell

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
CHECKLIST = """
checklists: {daily: {title: Daily maintenance, schedule: "0 9 * * *", items: [Look at the logs]}}
"""
IDLE = {OperationState.RUNNING: 0, OperationState.QUEUED: 0, OperationState.AWAITING: 0}


def status(
    *,
    running: bool = True,
    gateway: GatewayStatus | None = None,
    operations: Mapping[OperationState, int] = IDLE,
    messages: int = 0,
) -> Status:
    coming = [("backup grandvps", NOW + timedelta(hours=12))]
    return Status(running, gateway, operations, messages, [], coming)


def told(found: Status) -> list[str]:
    return list(lines(message(found, NOW)))


def test_what_people_wait_for_is_counted_in_words() -> None:
    gateway = GatewayStatus("socket", True, 2, 3.0, "")
    assert told(status(gateway=gateway))[:3] == [
        f"✅ Opsbell {version('opsbell')} · ok",
        "Slack: 2 sockets, last heard 3.0 s ago",
        "Queue: nothing waits or runs",
    ]
    busy = {OperationState.RUNNING: 1, OperationState.QUEUED: 2, OperationState.AWAITING: 1}
    assert told(status(gateway=gateway, operations=busy, messages=3))[2] == (
        "Queue: 1 operation running, 2 operations waiting,"
        " 1 operation waiting for approval, 3 messages waiting for Slack"
    )


def test_what_is_not_known_is_said_so() -> None:
    head, slack, *_ = told(status())
    assert head.startswith("🔵 Opsbell")
    assert head.endswith("running")
    assert slack == "Slack: not known from here, nothing answers on http.listen"
    assert as_data(status())["slack"] is None


def test_where_none_runs_what_comes_next_waits_for_one() -> None:
    head, nobody, _, coming, line = told(status(running=False))
    assert head == f"⚪ Opsbell {version('opsbell')} · not running"
    assert nobody == (
        "No Opsbell is running: nothing begins, ends or is posted by itself until one does."
    )
    assert coming == "Next, once one runs"
    assert line.endswith("backup grandvps, in 12 h")


@pytest.mark.parametrize(
    "said",
    [None, {}, {"mode": "socket"}, {"mode": 1, "ready": True, "sockets": 2, "last_payload": 1.0}],
)
def test_another_program_on_the_port_is_not_taken_for_opsbell(said: dict[str, Any] | None) -> None:
    assert from_outside(said) is None


def test_one_without_a_connection_sends_to_the_doctor() -> None:
    said = {"mode": "socket", "ready": False, "sockets": 0, "last_payload": None}
    found = status(gateway=from_outside(said))
    assert found.word == "trouble"
    assert "⚠️ Opsbell is not connected to Slack. opsbell check says why." in told(found)


HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 mail.example ESMTP\r\n",
        HEAD + b"text/html\r\n\r\n<h1>Hello</h1>",
        HEAD + b"application/json\r\n\r\n{half",
        HEAD + b"application/json\r\n\r\n\xff\xfe",
        HEAD + b'application/json\r\n\r\n["connection"]',
        HEAD + b'application/json\r\n\r\n{"connection": "fine"}',
    ],
)
async def test_whatever_else_answers_on_the_address_says_nothing(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())
        async with open_session() as session:
            assert await connection_at(session, address) is None


async def test_nobody_is_waited_for_who_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ANSWERS_WITHIN", timedelta(seconds=0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = Address(*silent.getsockname())
        async with open_session() as session:
            assert await connection_at(session, address) is None
    async with open_session() as session:
        assert await connection_at(session, address) is None
        assert await connection_at(session, Address("127.0.0.1", 0)) is None


async def ask(config: Path, *words: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    async with opsbell("status", *words, cwd=config.parent, env=env) as process:
        status = await process.wait(timeout=60)
        return status, "\n".join(process.output)


async def until_ready(address: str) -> None:
    """Its workers sign in a moment after it has started."""
    async with httpx.AsyncClient(base_url=f"http://{address}") as client, asyncio.timeout(30):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)


async def test_at_a_terminal_beside_one_and_where_none_runs(
    tmp_path: Path, database_url: str
) -> None:
    config = write_config(tmp_path, database_url, CHECKLIST)
    address = f"127.0.0.1:{free_port()}"
    config.write_text(config.read_text().replace("127.0.0.1:0", address))
    exit_status, text = await ask(config)
    assert exit_status == 0
    assert text.splitlines()[0] == f"⚪ Opsbell {version('opsbell')} · not running"
    assert "No Opsbell is running" in text
    assert "checklist daily, in" in text
    async with app_slack() as slack, running_opsbell(config, slack):
        await slack.wait_connected(2)
        await until_ready(address)
        environment = slack_environment(slack)
        exit_status, text = await ask(config, env=environment)
        assert (exit_status, text.splitlines()[0]) == (0, f"✅ Opsbell {version('opsbell')} · ok")
        assert "Slack: 2 sockets, " in text
        assert "Queue: nothing waits or runs" in text
        data = json.loads((await ask(config, "--json", env=environment))[1])
        assert (data["version"], data["status"]) == (version("opsbell"), "ok")
        assert data["slack"]["connected"] is True
        assert data["queue"] == {"running": 0, "queued": 0, "awaiting": 0, "messages": 0}
        assert data["troubles"] == []
        assert "checklist daily" in [each["name"] for each in data["next"]]
        async with httpx.AsyncClient() as client:
            said = (await client.get(f"http://{address}/readyz")).json()
        assert set(said["connection"]) == {"mode", "ready", "sockets", "last_payload"}
    exit_status, text = await ask(config, "now")
    assert exit_status == 2
