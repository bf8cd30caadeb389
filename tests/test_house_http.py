"""`opsbell run` in HTTP mode, and what it serves to those who watch over it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.playground import LocalSlack
from tests.parts.house import ROLES, slack_environment
from tests.parts.network import free_port
from tests.parts.process import opsbell


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
async def slack(address: str) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(request_url=f"http://{address}/slack/events") as opened:
        yield opened


@pytest.fixture
async def running(
    slack: LocalSlack, address: str, tmp_path: Path, database_url: str
) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "opsbell.yaml").write_text(
        f'database: "{database_url}"\nhttp: {{listen: "{address}"}}\nslack: {{mode: http}}\n{ROLES}'
        "checklists: {daily: {title: Daily maintenance, items: [Look at the logs]}}\n"
    )
    environment = slack_environment(slack)
    del environment["SLACK_APP_TOKEN"]
    async with (
        opsbell("run", cwd=tmp_path, env=environment) as process,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=10) as client,
    ):
        await process.wait_for_line("opsbell started")
        yield client


async def test_slack_reaches_it_over_http(slack: LocalSlack, running: httpx.AsyncClient) -> None:
    assert await slack.verify_request_url()
    alice = slack.person("alice")
    assert (await alice.command("/checklist post daily", channel="ops")).acked
    message = await slack.wait_for_message(channel="ops", text="Daily maintenance")
    assert (await alice.tick(message, "Look at the logs")).acked
    await slack.wait_for_message(channel="ops", text="1 of 1")


async def test_it_says_how_it_is(slack: LocalSlack, running: httpx.AsyncClient) -> None:
    assert (await running.get("/healthz")).status_code == 200
    async with asyncio.timeout(30):
        # Its workers sign in a moment after it has started.
        while (await running.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
    metrics = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families((await running.get("/metrics")).text)
        for sample in family.samples
    }
    assert metrics["opsbell_slack_ready",] == 1
    assert metrics["opsbell_slack_sockets",] == 0
    assert metrics["opsbell_jobs", "failed", "work"] == 0
