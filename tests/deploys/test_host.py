"""Deploys to an application on this machine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.operations import runner
from bot.operations.states import OperationState, StepState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.deploys.bench import Bench, open_bench
from tests.deploys.conftest import MIGRATIONS, Site, commit

pytestmark = pytest.mark.needs("git")


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """With a step that a runbook of the configuration adds after the static files."""
    settings["targets"]["grandvps"]["deploy"]["add"] = {"static": "look"}
    command = [sys.executable, "-c", "print('looked at the pages')"]
    look = {"title": "Look at the pages", "host": command}
    settings["runbooks"] = {"look": {"title": "Looks", "steps": [look]}}
    return settings


async def test_a_good_release_runs_afterwards(host: Bench, site: Site) -> None:
    operation = await host.deploy("v1.4.1")
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    titles = [step.planned.title for step in operation.steps]
    assert titles.index("Look at the pages") == titles.index("Static files") + 1
    assert operation.steps[titles.index("Look at the pages")].state is StepState.DONE
    assert await site.runs("1.4.1")
    assert await site.git("describe", "--tags") == "v1.4.1"
    assert not (site.directory / "maintenance_mode.txt").exists()


async def test_a_release_with_a_migration_tells_which_it_applied(host: Bench, site: Site) -> None:
    operation = await host.deploy("v1.5.0")
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert await site.runs("1.5.0")
    assert site.applied() == [*MIGRATIONS, "0003_ticket_priority"]
    migrated = operation.results()["deploy.migrate"]
    assert migrated["applied"] == [["grandvps", "0003_ticket_priority"]]
    assert operation.results()["backup.publish"]["set"]


async def test_one_that_never_gets_healthy_is_taken_back_by_itself(host: Bench, site: Site) -> None:
    operation = await host.deploy("v1.6.0")
    assert operation.state is OperationState.FAILED
    assert "could not be undone" not in operation.error
    assert await site.runs("1.4.0")
    assert await site.git("describe", "--tags") == "v1.4.0"
    assert await site.git("status", "--porcelain", "--untracked-files=no") == ""
    assert not (site.directory / "maintenance_mode.txt").exists()
    states = {step.planned.title: step.state for step in operation.steps}
    assert states["Watch"] is StepState.OPEN
    assert "0003_ticket_priority" in site.applied()
    # What a row that was taken back once said is so no more.
    undone = [step for step in operation.steps if step.state is StepState.UNDONE]
    assert undone
    assert [step.note for step in undone if step.note] == []
    head = (await site.git("rev-parse", "HEAD"))[:10]
    assert f"{head} (v1.4.0) runs again and is proven healthy" in operation.error
    stays = "1 migration (grandvps.0003_ticket_priority) stays applied in the database"
    back = f"/deploy rollback {operation.id}"
    assert f"{stays}. {back} --migrations reverses" in operation.error
    assert f"{back} --database brings back the database of before" in operation.error
    async with host.database.transaction() as tx:
        alarms = f"{operation.key}:alarm:%"
        row = await tx.one("select message::text as text from posts where key like %s", (alarms,))
    assert "(v1.4.0) runs again and is proven healthy" in row["text"]
    assert stays in row["text"]


async def test_what_is_not_well_after_the_way_back_stays_closed(
    host: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither release gets healthy once the column is gone."""
    monkeypatch.setattr(runner, "UNDO_PAUSES", (0.1,))
    number = await host.request("v1.6.0")

    async def drop() -> None:
        while "0003_ticket_priority" not in site.applied():
            await asyncio.sleep(0.05)
        with psycopg.connect(site.url) as connection:
            connection.execute("alter table users rename column email to address")

    task = asyncio.create_task(drop())
    operation = await host.finish(number)
    await task
    assert operation.state is OperationState.FAILED
    assert "(v1.4.0) was started again and is not proven healthy" in operation.error
    assert "It stays in maintenance; /maintenance off opens it" in operation.error
    assert (await site.get("/"))[0] == 503
    assert "not healthy after deploy" in (site.directory / "maintenance_mode.txt").read_text()
    assert await site.git("describe", "--tags") == "v1.4.0"


async def test_without_a_health_url_nothing_is_called_healthy(
    settings: dict[str, Any], site: Site, database: Database, queue: Queue
) -> None:
    del settings["targets"]["grandvps"]["health"]
    async with open_bench(settings, database, queue) as host:
        operation = await host.deploy("v1.4.1")
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert operation.steps[0].note.endswith("free, no health URL is configured")
    left_out = [s.planned.title for s in operation.steps if "health" in s.planned.left_out]
    assert left_out == ["Healthy", "Healthy for visitors"]


async def test_steps_are_left_out_and_say_why(host: Bench) -> None:
    plan = await host.plan("v1.4.1")
    left_out = {step.title: step.left_out for step in plan.steps if step.left_out}
    assert left_out == {
        "Install requirements": "there is no requirements.txt",
        "Static files": "by the configuration",
    }


async def test_cancelled_while_it_is_watched_it_is_taken_back(
    settings: dict[str, Any], site: Site, database: Database, queue: Queue
) -> None:
    settings["targets"]["grandvps"]["deploy"]["watch"] = "10m"
    async with open_bench(settings, database, queue) as host:
        number = await host.request("v1.4.1")
        task = asyncio.create_task(host.engine.run(number))
        async with asyncio.timeout(60):
            while not (await host.operations.get(number)).steps[-1].started:
                await asyncio.sleep(0.05)
        await host.deploys.cancel(number, actor="slack:U0ALICE001")
        task.cancel()
        await asyncio.wait({task})
        operation = await host.operations.get(number)
    assert operation.state is OperationState.CANCELLED, operation.error
    assert await site.runs("1.4.0")


@pytest.mark.parametrize(
    ("file", "step"),
    [("migrations/0003_bad.sql", "Migrate"), ("grandvps/bad.py", "Tests")],
)
async def test_a_step_that_fails_before_the_switch_leaves_what_ran(
    host: Bench, site: Site, tmp_path: Path, file: str, step: str
) -> None:
    """A file whose only line is neither SQL nor Python."""
    await commit(site.origin, tmp_path / "work", file, onto="v1.4.1")
    process = (site.directory / "tmp/web.pid").read_text()
    operation = await host.deploy("work")
    assert operation.state is OperationState.FAILED
    failed = next(each for each in operation.steps if each.state is StepState.FAILED)
    assert failed.planned.title == step
    assert Path(file).name in operation.error + operation.output or "syntax" in operation.error
    assert "(v1.4.0) runs as before; it was never stopped." in operation.error
    assert ("No migration was finished" in operation.error) is (step == "Migrate")
    assert await site.runs("1.4.0")
    assert (site.directory / "tmp/web.pid").read_text() == process
    assert site.applied() == [*MIGRATIONS]
    assert await site.git("describe", "--tags") == "v1.4.0"
    assert not (site.directory / file).exists()
    assert not (site.directory / "maintenance_mode.txt").exists()
