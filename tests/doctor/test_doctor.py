"""The doctor's round: limits, defects, how it is shown, and that it changes nothing."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from bot.doctor import doctor, view
from bot.doctor.doctor import Area
from bot.doctor.model import Finding, beware, unseen, well, wrong
from bot.doctor.patient import Patient, admitted
from bot.errors import Unavailable
from bot.playground import LocalSlack
from tests.parts.house import running_opsbell, slack_environment, write_config
from tests.parts.process import opsbell

ROUND = [
    well("Slack", "Token", "It works."),
    beware("Slack", "Clock", "It is off.", "Set it."),
    wrong("Database", "Connection", "Nobody answers.", "Start it."),
    unseen("Docker", "Engine", "It took too long."),
]


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Patient]:
    file = write_config(tmp_path, "postgresql://opsbell:hunter2x@127.0.0.1/opsbell")
    async with admitted(file, {"SLACK_BOT_TOKEN": "xoxb-secret-of-mine"}) as opened:
        yield opened


async def quick(patient: Patient) -> AsyncIterator[Finding]:
    yield well("Quick", "One", "It works.")


async def slow(patient: Patient) -> AsyncIterator[Finding]:
    yield well("Slow", "One", "It works.")
    await asyncio.sleep(60)
    yield well("Slow", "Two", "never seen")


async def broken(patient: Patient) -> AsyncIterator[Finding]:
    yield well("Broken", "One", "It works.")
    raise RuntimeError("a defect")


async def away(patient: Patient) -> AsyncIterator[Finding]:
    for error in (Unavailable("Nobody answers.", hint="Start it."),):
        raise error
    yield well("Away", "One", "never seen")


async def talkative(patient: Patient) -> AsyncIterator[Finding]:
    yield wrong("Talkative", "One", "hunter2x does not fit", "not xoxb-secret-of-mine either")


async def found(patient: Patient, *areas: Area) -> list[list[Finding]]:
    return [findings async for _, findings in doctor.examine(patient, areas)]


async def test_an_area_that_hangs_is_left_and_keeps_what_it_said(patient: Patient) -> None:
    hanging, next_one = await found(
        patient, Area("Slow", slow, timedelta(seconds=0.1)), Area("Quick", quick)
    )
    says = "This took longer than 0.1 s; the rest was not looked at."
    assert hanging == [well("Slow", "One", "It works."), unseen("Slow", "Time limit", says)]
    assert next_one == [well("Quick", "One", "It works.")]


async def test_a_defect_in_one_area_hides_no_other(patient: Patient) -> None:
    [first, defect], others = await found(patient, Area("Broken", broken), Area("Quick", quick))
    assert first.subject == "One"
    assert (defect.sign, defect.area) == ("⚫", "Broken")
    assert others == [well("Quick", "One", "It works.")]


async def test_an_error_with_words_is_told_in_its_words(patient: Patient) -> None:
    [[finding]] = await found(patient, Area("Away", away))
    assert finding == unseen("Away", "Examination", "Nobody answers. Start it.")


async def test_secrets_do_not_leave(patient: Patient) -> None:
    [[finding]] = await found(patient, Area("Talkative", talkative))
    assert (finding.says, finding.todo) == ("*** does not fit", "not *** either")


def test_where_nobody_watches_each_finding_is_one_line() -> None:
    console = Console(file=io.StringIO(), width=20)
    view.show(ROUND, console)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "Slack",
        "✅ ok  Token: It works.",
        "⚠️ warning  Clock: It is off. Set it.",
        "Database",
        "🔴 critical  Connection: Nobody answers. Start it.",
        "Docker",
        "⚫ unknown  Engine: It took too long.",
    ]


def test_on_a_terminal_it_is_a_table_an_area_with_what_to_do_below() -> None:
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    view.show(ROUND, console)
    assert isinstance(console.file, io.StringIO)
    shown = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert "→ Set it." in "\n".join(shown)
    [row] = [line for line in shown if line.startswith("🔴")]
    assert row.split()[:3] == ["🔴", "critical", "Connection"]


def test_the_summary_counts_what_is_not_well() -> None:
    assert view.summary(ROUND) == "🔴 1 thing will not work, 1 to look at and 1 could not be seen."
    assert view.summary(ROUND[:2]) == "⚠️ 1 to look at."
    assert view.summary(ROUND[:1]) == "✅ All is well: 1 thing looked at."


async def test_beside_a_running_opsbell_all_is_well_and_nothing_is_changed(
    tmp_path: Path, database_url: str
) -> None:
    async with LocalSlack() as slack:
        config = write_config(tmp_path, database_url)
        async with running_opsbell(config, slack) as running:
            port = (await running.wait_for_line(r"http server started port=(\d+)"))[1]
            config.write_text(config.read_text().replace(":0", f":{port}"))
            before = state(database_url), len(slack.messages("ops"))
            await slack.wait_connected(2)
            sockets = slack.calls_to("apps.connections.open")
            env = slack_environment(slack)
            async with opsbell("check", "--json", cwd=tmp_path, env=env) as process:
                assert await process.wait(timeout=60) == 0, process.output
            assert (state(database_url), len(slack.messages("ops"))) == before
            assert len(slack.sockets.connections) == 2
            assert len(slack.calls_to("apps.connections.open")) == len(sockets) + 1
        answer = json.loads("\n".join(process.output))
        assert (answer["critical"], answer["unknown"]) == (0, 0), answer
        told = {each["subject"]: each["says"] for each in answer["findings"]}
        assert told["http.listen"] == f"127.0.0.1:{port} is where Opsbell answers now."
        assert told["Tables"] == "They are those of this Opsbell."
        written = {call.method for call in slack.calls} & {"chat.postMessage", "conversations.join"}
        assert not written


async def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    async with LocalSlack() as slack:
        write_config(tmp_path, "embedded")
        async with opsbell("check", cwd=tmp_path, env=slack_environment(slack)) as process:
            assert await process.wait(timeout=60) == 0, process.output
    assert [path.name for path in tmp_path.iterdir()] == ["opsbell.yaml"]
    assert any("makes it in" in line for line in process.output)
    assert re.fullmatch(
        r"✅ All is well: \d+ things looked at\. Start it: opsbell run", process.output[-1]
    )


async def test_the_next_step_names_the_configuration_and_is_none_beside_a_running_opsbell(
    tmp_path: Path, database_url: str
) -> None:
    async with LocalSlack() as slack:
        config = write_config(tmp_path, database_url)
        async with admitted(config, {}) as patient:
            assert await doctor.next_step(patient) == f"Start it: opsbell run --config {config}"
        async with running_opsbell(config, slack) as running:
            port = (await running.wait_for_line(r"http server started port=(\d+)"))[1]
            config.write_text(config.read_text().replace(":0", f":{port}"))
            async with admitted(config, {}) as patient:
                assert await doctor.next_step(patient) == ""


def state(url: str) -> list[tuple[object, ...]]:
    """What Opsbell's own history and migrations are."""
    with psycopg.connect(url) as connection:
        counted = "select (select count(*) from events), (select count(*) from migrations)"
        return connection.execute(counted).fetchall()


async def test_a_terminal_without_signs_is_told_in_words(tmp_path: Path, database_url: str) -> None:
    write_config(tmp_path, database_url)
    env = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    async with opsbell("check", cwd=tmp_path, env=env) as process:
        assert await process.wait(timeout=40) == 1
    assert any("critical" in line and "SLACK_BOT_TOKEN" in line for line in process.output)
    assert not any("Traceback" in line for line in process.output)
