"""Configured runbooks from their plan to their end, run by the engine; and killed on the way."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot.errors import Refused
from bot.operations.plan import Confirm
from bot.operations.states import Course, OperationState, StepState
from bot.store.database import Database
from tests.parts.process import ChildProcess
from tests.runbooks.bench import ALICE, Bench, open_bench
from tests.runbooks.test_commands import eventually, sleepers

ROOT = Path(__file__).parents[2]


def runbook(*steps: dict[str, Any], **params: Any) -> dict[str, Any]:
    return {"title": "Tidy up", "target": "grandvps", "params": params, "steps": list(steps)}


def settings(directory: Path, **runbooks: dict[str, Any]) -> dict[str, Any]:
    target = {"runtime": "host", "directory": str(directory)}
    return {"targets": {"grandvps": target}, "runbooks": runbooks}


def shell(text: str, **said: Any) -> dict[str, Any]:
    return {"host": ["sh", "-c", text], **said}


async def test_a_failure_takes_back_what_was_done_and_runs_what_always_runs(
    tmp_path: Path, database: Database
) -> None:
    steps = (
        shell("echo one >> log", title="One", undo=[shell("echo undo one >> log")]),
        shell("echo two >> log; exit 3", title="Two", undo=[shell("echo undo two >> log")]),
        shell("echo three >> log", title="Three"),
        shell("echo always >> log", title="Always", always=True),
    )
    async with open_bench(settings(tmp_path, tidy=runbook(*steps)), database) as bench:
        operation = await bench.run("tidy")
    assert operation.state is OperationState.FAILED
    assert operation.error.startswith("sh ended with exit status 3. Taken back: One.")
    told = ["one", "two", "undo two", "undo one", "always"]
    assert (tmp_path / "log").read_text().splitlines() == told
    states = [step.state for step in operation.steps]
    assert states == [StepState.UNDONE, StepState.FAILED, StepState.OPEN, StepState.DONE]


async def test_parameters_and_left_out_steps_and_retries(
    tmp_path: Path, database: Database
) -> None:
    value = "$(touch hacked) ; touch hacked `touch hacked`"
    steps = (
        {"host": ["tee", "{name}"]},
        {"host": ["false"], "if": {"param": {"name": "x"}}},
        shell("echo try >> tries; test $(wc -l < tries) -ge 2", retries=1),
        {"note": "Done with {name}"},
    )
    wanted = settings(tmp_path, tidy=runbook(*steps, name={}))
    async with open_bench(wanted, database) as bench:
        operation = await bench.done("tidy", name=value)
    assert (tmp_path / value).exists()
    assert not (tmp_path / "hacked").exists()
    assert operation.steps[1].state is StepState.LEFT_OUT
    assert (tmp_path / "tries").read_text() == "try\ntry\n"
    posts = await database.all("select message from posts where key like '%%:note:%%'")
    assert len(posts) == 1
    assert "Done with $(touch hacked)" in json.dumps(posts[0]["message"])


async def test_a_plan_that_comes_out_different_does_not_run(
    tmp_path: Path, database: Database
) -> None:
    steps = (shell("echo ran > ran", unless={"file": "stop"}),)
    async with open_bench(settings(tmp_path, tidy=runbook(*steps)), database) as bench:
        number = await bench.request("tidy")
        (tmp_path / "stop").touch()
        await bench.work(number)
        operation = await bench.operations.get(number)
    assert operation.state is OperationState.FAILED
    assert "planned again, it came out different" in operation.error
    assert not (tmp_path / "ran").exists()


async def test_a_time_limit_ends_the_command_and_its_children(
    tmp_path: Path, database: Database
) -> None:
    argument = f"3610.{os.getpid()}"
    step = shell(f"sleep {argument} & sleep {argument}; true", timeout="1s", title="Slow")
    async with open_bench(settings(tmp_path, tidy=runbook(step)), database) as bench:
        operation = await bench.run("tidy")
    assert "«Slow» did not end within 1.0 s and was ended." in operation.error
    assert sleepers(argument) == []


async def killed(
    bench: Bench, wanted: dict[str, Any], tmp_path: Path, database_url: str, argument: str
) -> int:
    """Has another process run a runbook, and kills it while its command sleeps."""
    number = await bench.request("tidy")
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(wanted))
    argv = (sys.executable, "-m", "tests.runbooks.child", str(file), database_url, str(number))
    async with ChildProcess(*argv, cwd=ROOT) as child:
        await eventually(lambda: len(sleepers(argument)) == 1)
        os.kill(child.pid, 9)
        await child.wait()
    return number


async def test_a_killed_bot_leaves_no_process_and_a_choice(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    argument = f"3611.{os.getpid()}"
    directory = tmp_path / "app"
    directory.mkdir()
    steps = (
        shell("echo one >> log", title="One", undo=[shell("echo undo one >> log")]),
        shell(
            f"echo two >> log; test -e go || sleep {argument}; echo end >> log",
            title="Two",
            undo=[shell("echo undo two >> log")],
        ),
        shell("echo three >> log", title="Three"),
    )
    wanted = settings(directory, tidy=runbook(*steps))
    async with open_bench(wanted, database) as bench:
        number = await killed(bench, wanted, tmp_path, database_url, argument)
        assert len(sleepers(argument)) == 1, "the command itself outlives the bot"
        await bench.work(number)
        assert sleepers(argument) == []
        operation = await bench.operations.get(number)
        assert operation.state is OperationState.INTERRUPTED
        assert operation.course is Course.CHOOSE
        assert "during «Two»" in operation.error
        log = directory / "log"
        assert log.read_text().splitlines() == ["one", "two", "undo two"]
        (directory / "go").touch()
        async with database.transaction() as tx:
            await bench.operations.choose(tx, number, Course.RESUME, actor=ALICE)
        await bench.work(number)
        operation = await bench.operations.get(number)
    assert operation.state is OperationState.DONE, operation.error
    assert log.read_text().splitlines() == ["one", "two", "undo two", "two", "end", "three"]


async def test_a_killed_bot_leaves_what_its_command_started_on_purpose(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    service, argument = f"3612.{os.getpid()}", f"3613.{os.getpid()}"
    directory = tmp_path / "app"
    directory.mkdir()
    steps = (
        shell(f"setsid sleep {service} >/dev/null 2>&1 &"),
        {"host": ["sleep", argument]},
    )
    wanted = settings(directory, tidy=runbook(*steps))
    async with open_bench(wanted, database) as bench:
        number = await killed(bench, wanted, tmp_path, database_url, argument)
        await bench.work(number)
    assert sleepers(argument) == []
    [pid] = sleepers(service)
    psutil.Process(pid).kill()


async def test_people_approve_a_step_while_it_waits(tmp_path: Path, database: Database) -> None:
    steps = ({"approval": {"role": "admin", "text": "Go?"}}, shell("echo ran > ran"))
    wanted = settings(tmp_path, tidy=runbook(*steps))
    async with open_bench(wanted, database) as bench:
        number = await bench.request("tidy")
        working = asyncio.create_task(bench.work(number))
        async with asyncio.timeout(10):
            while (await bench.operations.get(number)).steps[0].note == "":
                await asyncio.sleep(0.05)
        assert not (tmp_path / "ran").exists()
        told = await database.all(
            "select message->>'text' as text, message::text as whole from posts where key = %s",
            (f"operation:{number}:approval:0",),
        )
        assert [each["text"] for each in told] == [
            "Tidy up on grandvps: waits for 1 approval of admin: Go?"
        ]
        assert "<@U0BOB00001> <@U0CAROL001> Tidy" in told[0]["whole"]
        async with database.transaction() as tx:
            await bench.operations.approvals.approve(tx, number, actor="os:root")
        await working
        operation = await bench.operations.get(number)
    assert operation.state is OperationState.DONE, operation.error
    assert (tmp_path / "ran").exists()


async def test_a_refused_step_ends_the_runbook(tmp_path: Path, database: Database) -> None:
    steps = ({"approval": {"role": "admin"}}, shell("echo ran > ran"))
    wanted = settings(tmp_path, tidy=runbook(*steps))
    async with open_bench(wanted, database) as bench:
        number = await bench.request("tidy")
        working = asyncio.create_task(bench.work(number))
        async with asyncio.timeout(10):
            while (await bench.operations.get(number)).steps[0].note == "":
                await asyncio.sleep(0.05)
        async with database.transaction() as tx:
            await bench.operations.approvals.refuse(tx, number, actor="os:root")
        await working
        operation = await bench.operations.get(number)
    assert operation.state is OperationState.FAILED
    assert "refused" in operation.error
    assert not (tmp_path / "ran").exists()


async def test_a_backup_maintenance_and_a_restore_inside_a_runbook(
    tmp_path: Path, database: Database
) -> None:
    app, media = tmp_path / "app", tmp_path / "app" / "media"
    media.mkdir(parents=True)
    (media / "a.txt").write_text("before\n")
    saving = runbook({"maintenance": "on"}, {"backup": {}}, {"maintenance": "off"})
    bringing_back = runbook({"restore": {"include": ["media"]}}, shell("cat media/a.txt"))
    both = runbook({"backup": {}}, {"restore": {}})
    wanted = settings(app, save=saving, back=bringing_back, both=both)
    target = wanted["targets"]["grandvps"]
    target |= {"files": {"media": "media"}, "maintenance": {"file": "maintenance_mode.txt"}}
    store = {"directory": str(tmp_path / "store")}
    wanted["backups"] = {"grandvps": {"include": ["media"], "store": store}}
    async with open_bench(wanted, database) as bench:
        saved = await bench.done("save")
        assert not (app / "maintenance_mode.txt").exists()
        (media / "a.txt").write_text("after\n")
        operation = await bench.done("back")
        assert operation.plan.confirm is Confirm.NAME
        assert operation.steps[-1].note == "before"
        with pytest.raises(Refused, match="makes one backup or one restore"):
            await bench.request("both")
    assert operation.plan.facts["set"] == saved.results()["backup.publish"]["set"]
    assert len(list((tmp_path / "store" / "grandvps").iterdir())) == 2
