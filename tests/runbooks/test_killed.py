"""The bot is killed while a step works in a container or in git: what the next start finds."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.operations.states import Course, OperationState, StepState
from bot.store.database import Database
from tests.parts.compose_project import ComposeProject
from tests.parts.process import ChildProcess
from tests.runbooks.bench import Bench, open_bench
from tests.runbooks.test_commands import count_in
from tests.runbooks.test_git import Repositories
from tests.runbooks.test_sql import sessions
from tests.targets.places import compose_settings, host_settings

ROOT = Path(__file__).parents[2]
on_compose = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


def tidying(target: dict[str, Any], *steps: dict[str, Any]) -> dict[str, Any]:
    """Settings with a runbook called `tidy`."""
    tidy = {"title": "Tidy up", "steps": list(steps)}
    return {"targets": {"grandvps": target}, "runbooks": {"tidy": tidy}}


def child(wanted: dict[str, Any], tmp_path: Path, database_url: str, number: int) -> ChildProcess:
    """Another process that runs the operation."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(wanted))
    argv = (sys.executable, "-m", "tests.runbooks.child", str(file), database_url, str(number))
    return ChildProcess(*argv, cwd=ROOT)


async def judge(bench: Bench, number: int, during: str) -> None:
    """What the queue does with a dead process's job: it ends what was left, and asks people."""
    await bench.work(number)
    operation = await bench.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED
    assert operation.course is Course.CHOOSE
    assert f"during «{during}»" in operation.error
    assert "could not be undone" not in operation.error


@on_compose
async def test_in_a_service(
    grandvps: ComposeProject, database: Database, database_url: str, tmp_path: Path
) -> None:
    command = ["sh", "-c", "sleep 36081 & sleep 36081; true"]
    step = {"run": {"service": "web", "command": command}, "title": "Sleep"}
    wanted = tidying(compose_settings(grandvps), step)
    async with open_bench(wanted, database) as bench:
        number = await bench.request("tidy")
        async with child(wanted, tmp_path, database_url, number) as running:
            await count_in(grandvps, "36081", 2)
            await running.kill9()
        await count_in(grandvps, "36081", 2)
        await judge(bench, number, "Sleep")
    await count_in(grandvps, "36081", 0)


@on_compose
async def test_in_the_database(
    grandvps: ComposeProject, database: Database, database_url: str, tmp_path: Path
) -> None:
    wanted = tidying(compose_settings(grandvps), {"sql": "select pg_sleep(3600)", "title": "Sleep"})
    async with open_bench(wanted, database) as bench:
        number = await bench.request("tidy")
        async with child(wanted, tmp_path, database_url, number) as running:
            await sessions(grandvps.database_url, 1)
            await running.kill9()
        await judge(bench, number, "Sleep")
    await sessions(grandvps.database_url, 0)


@pytest.mark.needs("git")
async def test_a_failure_after_a_checkout_goes_back_to_the_branch(
    database: Database, tmp_path: Path
) -> None:
    repositories = Repositories(tmp_path, tmp_path / "app")
    before = repositories.state()
    wanted = tidying(host_settings(tmp_path / "app"), {"git": {"ref": "v2"}}, {"host": ["false"]})
    async with open_bench(wanted, database) as bench:
        operation = await bench.run("tidy")
    assert operation.state is OperationState.FAILED
    assert [step.state for step in operation.steps] == [StepState.UNDONE, StepState.FAILED]
    assert "Taken back: Check out v2." in operation.error
    assert repositories.state() == before
