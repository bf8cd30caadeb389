"""The watch after a deploy: what takes it back, and what only alarms."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psutil
import pytest

from bot.demo.files import stamp
from bot.deploys.watching import shape
from bot.operations.model import Operation
from bot.operations.states import OperationState, StepState
from bot.words import utc_now
from tests.deploys.bench import Bench
from tests.deploys.conftest import Site

pytestmark = pytest.mark.needs("git")


@pytest.fixture
def watch() -> str:
    """Long enough that something can happen meanwhile."""
    return "25s"


@pytest.fixture
def settings(settings: dict[str, Any], watch: str) -> dict[str, Any]:
    """Watched for that long."""
    deploy = settings["targets"]["grandvps"]["deploy"]
    deploy |= {"leave_out": ["static", "backup"], "watch": watch}
    return settings


async def watched(host: Bench, number: int) -> None:
    """Returns when the operation has come to its watch."""
    async with asyncio.timeout(60):
        while True:
            step = (await host.operations.get(number)).steps[-1]
            if step.state is StepState.RUNNING and step.note:
                return
            await asyncio.sleep(0.1)


def log(site: Site, line: str, *, ago: timedelta = timedelta()) -> None:
    """A line in the application's log."""
    with (site.directory / "logs/app.log").open("a") as file:
        file.write(f"{stamp(utc_now() - ago)} {line}\n")


async def deployed(host: Bench, meanwhile: Any) -> Operation:
    """Deploys while something else goes on."""
    number = await host.request("v1.4.1")
    task = asyncio.create_task(meanwhile(number))
    operation = await host.finish(number)
    await task
    return operation


def web_process(site: Site) -> psutil.Process:
    """The process that answers visitors."""
    for process in psutil.process_iter(["cwd", "cmdline"]):
        here = process.info["cwd"] == str(site.directory)
        if here and "runserver" in (process.info["cmdline"] or ()):
            return process
    raise LookupError("no web process")


@pytest.mark.parametrize("watch", ["3m"])
async def test_health_that_is_lost_takes_the_deploy_back(host: Bench, site: Site) -> None:
    async def hang_it(number: int) -> None:
        await watched(host, number)
        web_process(site).suspend()

    operation = await deployed(host, hang_it)
    assert operation.state is OperationState.FAILED
    assert "It was healthy and no longer is" in operation.error
    assert await site.runs("1.4.0"), operation.error
    assert await site.git("describe", "--tags") == "v1.4.0"


async def test_new_errors_alarm_and_take_nothing_back(host: Bench, site: Site) -> None:
    log(site, "ERROR grandvps.billing: card 17 of user 4 declined", ago=timedelta(minutes=5))

    async def complain(number: int) -> None:
        await watched(host, number)
        log(site, "ERROR grandvps.billing: card 23 of user 9 declined")
        log(site, "ERROR grandvps.mail: no answer; DB_PASSWORD=correct-horse-battery")

    operation = await deployed(host, complain)
    assert operation.state is OperationState.DONE, operation.error
    told = operation.results()["deploy.watch"]
    assert told["errors"] == 1, operation.steps[-1]
    assert "grandvps.mail" in told["lines"][0]
    assert "1 new error" in operation.steps[-1].note
    async with host.database.transaction() as tx:
        row = await tx.one("select message from posts where key = %s", (f"{operation.key}:watch",))
    assert "grandvps.mail" in str(row["message"])
    assert "deploy.back" in str(row["message"])
    assert await site.runs("1.4.1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ERROR card 17 declined", "ERROR card 23 declined"),
        ("ERROR at 0x7f816ad16770", "ERROR at 0x7f816abf3670"),
        ("ERROR request 1b4e28ba2fa1", "ERROR request 9c0ffee1234d"),
    ],
)
def test_lines_about_the_same_are_of_one_shape(one: str, other: str) -> None:
    assert shape(one) == shape(other)


def test_lines_about_different_things_are_not() -> None:
    assert shape("ERROR mail: no answer") != shape("ERROR billing: no answer")
