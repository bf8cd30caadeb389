"""What can be done in the demo: with the sample, with the levers, and by its people.

One demo serves all of these tests; each leaves it as it was.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import psutil
import psycopg
import pytest
import pytest_asyncio

from bot.checks.model import State
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import opened
from bot.demo import database
from bot.demo.credentials import PASSWORD, SECRET_KEY
from bot.demo.demo import running_demo
from bot.demo.files import stamp
from bot.demo.levers import SlackAway, lever
from bot.errors import Refused
from bot.playground import LocalSlack, triggers
from bot.words import utc_now
from tests.demo.conftest import NOON, START, processes_in
from tests.demo.house import House, pull
from tests.parts.house import shows

ANSWERS = (State.OK, State.WARNING)  # of a site that is slow, on a busy machine
WARNED = r"warning: \d+ .* in 24 h, the last"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(directory: Path) -> AsyncIterator[House]:
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", NOON)
        # A busy machine may take longer than the three seconds that Slack gives.
        patch.setattr("bot.demo.demo.LocalSlack", partial(LocalSlack, ack_timeout=START))
        patch.setattr(triggers, "LIFETIME", START)
        async with running_demo(directory, 0, told.append) as demo:
            settings = load(demo.place.config, os.environ)
            async with opened(settings, SlackSecrets.for_terminal({})) as core:
                yield House(demo, told, core)
    assert processes_in(directory) == []


async def test_todays_checklist_waits_with_its_evidence(house: House) -> None:
    slack = house.demo.slack
    listed = await slack.wait_for_message("ops", "no good backup yet", timeout=30)
    assert "Daily maintenance" in listed.plain
    assert "answered 200" in listed.plain
    assert "3 failed payments" in listed.plain
    assert "after its time" not in listed.plain
    [run] = await house.runs("daily")
    assert run.day(ZoneInfo(NOON)) in listed.plain
    assert run.deadline is not None
    assert (run.deadline - run.posted_at, run.due_at) == (timedelta(hours=4), None)
    assert len([each for each in slack.messages("ops") if each.contains("maintenance")]) == 1


async def test_general_says_what_to_try(house: House) -> None:
    [welcome] = house.demo.slack.messages("general")
    assert welcome.user == "U0CAROL001"
    assert "`/backup now`" in welcome.text
    assert "<#C0OPS00001|>" in welcome.text


async def test_every_check_has_something_to_say(house: House) -> None:
    readings = await house.core.checks.read_many(house.core.checks.names())
    states = {name: reading.state for name, reading in readings.items()}
    assert states.pop("backup") is State.CRITICAL
    assert states.pop("disk") is not State.UNKNOWN
    assert states.pop("response") in ANSWERS
    assert set(states.values()) == {State.OK}, readings
    assert (readings["revenue-last-month"].value or 0) > 100_000


async def test_a_lever_that_has_nothing_to_break_says_so(house: House) -> None:
    with pytest.raises(Refused, match="no backup that could age"):
        await house.lever("Let the backups age").break_it()


async def test_an_operator_backs_up_and_a_stranger_is_refused(house: House) -> None:
    slack, place = house.demo.slack, house.demo.place
    eve, alice = slack.person("eve"), slack.person("alice")
    await eve.command("/backup now", "ops")
    await eve.wait_for_ephemeral("ops", "operator")
    assert (await alice.command("/backup now", "ops")).acked
    await slack.wait_for_message("ops", "Backup of grandvps · done", timeout=90)
    [found] = [each for each in (place.backups / "grandvps").iterdir() if each.name[0] == "2"]
    manifest = json.loads((found / "manifest.json").read_text())
    assert manifest["tables"]["public.payments"] > 290_000
    assert {"database.dump", "media.tar.zst", "logs.tar.zst", "config.tar.zst"} <= {
        each["path"] for each in manifest["files"]
    }
    assert (await house.read("backup")).state is State.OK


async def test_backups_age_and_get_young_again(house: House) -> None:
    broken, mended = await pull(house, "Let the backups age", "backup")
    assert broken.state is State.CRITICAL
    assert "3 d ago" in broken.summary
    assert mended.state is State.OK


async def test_payments_fail_and_are_mended(house: House) -> None:
    before = (await house.read("failed-payments")).value
    broken, mended = await pull(house, "Fail payments", "failed-payments")
    assert (broken.state, broken.value) == (State.CRITICAL, (before or 0) + 45)
    assert (mended.state, mended.value) == (State.OK, before)


async def test_the_log_fills_and_is_cleaned_while_it_is_written_to(house: House) -> None:
    broken, mended = await pull(house, "Fill the log with errors", "app-logs")
    assert broken.state is State.CRITICAL
    assert "payment gateway does not answer" in broken.detail
    assert mended.state is State.OK
    log = house.demo.place.site / "logs/app.log"
    before = log.stat().st_size
    await house.get("/")
    await house.until(lambda: log.stat().st_size > before)
    assert "\0" not in log.read_text()


async def test_the_web_process_stops_and_starts(house: House) -> None:
    lever = house.lever("Stop the web process")
    assert lever.mend is not None
    await lever.break_it()
    broken = await house.read("response")
    assert (broken.state, lever.is_broken()) == (State.CRITICAL, True)
    await lever.mend()
    async with asyncio.timeout(START):
        while (await house.read("response")).state not in ANSWERS:
            await asyncio.sleep(0.1)


async def test_two_who_pull_a_lever_at_once_break_it_once(house: House) -> None:
    pulled, before = house.lever("Fail payments"), (await house.read("failed-payments")).value
    assert pulled.mend is not None
    await asyncio.gather(pulled.break_it(), pulled.break_it())
    broken = (await house.read("failed-payments")).value
    await asyncio.gather(pulled.mend(), pulled.mend())
    assert broken == (before or 0) + 45
    assert (await house.read("failed-payments")).value == before


async def test_slack_taken_away_twice_comes_back_once(house: House) -> None:
    away = SlackAway(house.demo.slack, timedelta(seconds=1))
    pulled = lever("Take Slack away", "", away)
    await asyncio.gather(pulled.break_it(), pulled.break_it())
    assert pulled.is_broken()
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert names.count("Slack comes back") == 1
    await house.until(lambda: not away.broken)
    await house.demo.slack.wait_connected(timeout=60)


async def test_slack_goes_away_and_comes_back_by_itself(house: House) -> None:
    slack = house.demo.slack
    away = SlackAway(slack, timedelta(seconds=2))
    async with httpx.AsyncClient() as client:  # made before: it takes its time
        await away.begin()
        assert away.broken
        with pytest.raises(httpx.ConnectError):
            await client.post(f"{slack.api_url}auth.test")
    await house.until(lambda: not away.broken)
    await slack.wait_connected(timeout=60)
    assert (await slack.person("alice").command("/backup list", "ops")).acked


async def test_maintenance_closes_every_page_but_the_health_page(house: House) -> None:
    file = house.demo.place.site / "maintenance_mode.txt"
    file.touch()
    try:
        closed, health = await house.get("/"), await house.get("/healthz")
    finally:
        file.unlink()
    assert (closed.status_code, closed.headers["retry-after"]) == (503, "120")
    assert health.status_code == 200
    assert (await house.get("/")).status_code == 200


@pytest.mark.needs("git")
async def test_deploying_a_release_changes_what_runs_and_the_broken_one_never_gets_well(
    house: House,
) -> None:
    site = house.demo.place.site

    async def run(*argv: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=site, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def deploy(tag: str) -> tuple[str, httpx.Response]:
        await run("git", "fetch", "--quiet", "origin")
        await run("git", "checkout", "--quiet", tag)
        migrated = await run(sys.executable, "manage.py", "migrate")
        await run(sys.executable, "manage.py", "restart")
        async with asyncio.timeout(START):
            while True:
                try:
                    return migrated, await house.get("/healthz")
                except httpx.TransportError:
                    await asyncio.sleep(0.1)

    migrated, health = await deploy("v1.4.1")
    assert "No migrations" in migrated
    assert health.text == "ok 1.4.1\n"
    assert "by the minute" in (await house.get("/")).text
    migrated, health = await deploy("v1.5.0")
    assert "Applying 0003_ticket_priority... OK" in migrated
    assert health.text == "ok 1.5.0\n"
    _, health = await deploy("v1.6.0")
    assert health.status_code == 500
    assert "referral_code" in health.text
    _, health = await deploy("v1.4.0")
    assert health.text == "ok 1.4.0\n"
    assert (await run("git", "status", "--porcelain")) == ""


async def test_a_child_that_dies_is_told_of_and_started_again(house: House) -> None:
    slack, told = house.demo.slack, house.told
    before, connected = len(told), list(slack.sockets.connections)
    [opsbell] = [each for each in psutil.Process().children() if "run" in each.cmdline()]
    opsbell.kill()
    await house.until(lambda: len(told) > before)
    assert told[before].startswith("Opsbell ended by itself (signal SIGKILL). It is started again")
    await house.until(lambda: any(each not in connected for each in slack.sockets.connections))
    assert (await slack.person("alice").command("/backup list", "ops")).acked


async def test_business_goes_on_and_asks_for_nothing_twice(house: House) -> None:
    """A later start finds tables that end in the past, a next one tables that end now."""
    url = house.demo.sample.database_url
    query = "select count(*), max(created_at) > now() - interval '5 minutes' from payments"
    with psycopg.connect(url, autocommit=True) as connection:
        whole = connection.execute(query).fetchone()
        connection.execute("delete from payments where created_at > now() - interval '10 days'")
        await database.grow(url)
        await database.grow(url)
        grown = connection.execute(query).fetchone()
    assert whole is not None
    assert grown is not None
    assert grown[1]
    assert abs(grown[0] - whole[0]) <= 2


async def test_business_waits_for_who_writes_meanwhile(house: House) -> None:
    """Else their payment's number would be given once more."""
    url = house.demo.sample.database_url
    pay = (
        "insert into payments (user_id, amount, method, status, gateway_reference, created_at)"
        " values (1, 9.99, 'card', 'paid', 'a visitor', now())"
    )
    async with (
        await psycopg.AsyncConnection.connect(url) as visitor,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as looking,
    ):
        await visitor.execute(pay)
        growing = asyncio.create_task(database.grow(url))
        waiting = "select exists (select from pg_locks where not granted)"
        while not growing.done() and await (await looking.execute(waiting)).fetchone() != (True,):
            await asyncio.sleep(0.01)
        await visitor.commit()
        await growing
        await visitor.execute(pay)
        await visitor.execute("delete from payments where gateway_reference = 'a visitor'")


async def test_a_secret_of_grandvps_is_shown_nowhere(house: House) -> None:
    """Also where GrandVPS itself writes it into its log, whose errors are a check's evidence."""
    place, slack, alice = house.demo.place, house.demo.slack, house.demo.slack.person("alice")
    with (place.site / "logs/app.log").open("a") as log:
        for number in range(12):
            log.write(
                f"{stamp(utc_now())} ERROR grandvps.web: no answer {number} from"
                f" {house.demo.sample.database_url} with {SECRET_KEY}\n"
            )
    listed = await slack.wait_for_message("ops", "Daily maintenance")
    await alice.click(listed, "Check again")
    await slack.wait_for_message(
        "ops", where=lambda message: bool(re.search(WARNED, message.plain)), timeout=30
    )
    await alice.click(slack.current(listed), "Details")
    view = await alice.wait_for_view(where=shows("no answer 11 from"))
    details = json.dumps(view.blocks)
    said = [details, *(json.dumps(each.blocks) + each.text for each in slack.messages("ops"))]
    said += [*house.told, place.log("opsbell").read_text(), place.log("grandvps").read_text()]
    assert not [text for text in said if PASSWORD in text or SECRET_KEY in text]
