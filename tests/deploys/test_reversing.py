"""A rollback that reverses migrations and fails later: the migrations are applied again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.deploys import rollback
from bot.operations import runner
from bot.operations.model import Operation
from bot.operations.states import OperationState
from tests.deploys.bench import Bench
from tests.deploys.conftest import MIGRATIONS, Site

pytestmark = pytest.mark.needs("git")

PRIORITY = "0003_ticket_priority"

# The sample cannot reverse its migrations. This can, and has static files as well; files beside it
# say what fails.
MANAGE = """
import os, subprocess, sys
from pathlib import Path

here, (command, *rest) = Path(__file__).parent, sys.argv[1:]
if command == "collectstatic":
    sys.exit(1 if (here / "broken").exists() else 0)
if command == "migrate" and rest and rest[-1] == "--plan":
    print("Planned operations:")
    print("grandvps.0003_ticket_priority")
    print("    Raw SQL operation" + (" -> IRREVERSIBLE" if (here / "final").exists() else ""))
    sys.exit()
if command == "migrate" and rest and rest[-1] < "0003":
    import psycopg

    url = (here / "url").read_text()
    with psycopg.connect(url) as connection:
        connection.execute("alter table support_tickets drop column priority")
        connection.execute("delete from django_migrations where name like '0003%'")
    sys.exit()
if command == "migrate" and (here / "stuck").exists():
    sys.exit("there is no such migration")
os.execv(sys.executable, [sys.executable, "manage.py", command])
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Where the commands find what they shall do."""
    return tmp_path / "tools"


@pytest.fixture
def settings(settings: dict[str, Any], site: Site, tools: Path) -> dict[str, Any]:
    """With those commands in place of the sample's own."""
    tools.mkdir()
    (tools / "commands").write_text(MANAGE)
    (tools / "url").write_text(site.url)
    deploy = settings["targets"]["grandvps"]["deploy"]
    settings["targets"]["grandvps"]["deploy"] = {
        **deploy,
        "manage": [sys.executable, str(tools / "commands")],
        "leave_out": [],
    }
    return settings


async def reversed_and_failed(host: Bench, tools: Path, *troubles: str) -> Operation:
    """A deploy with a migration, and its rollback, which fails once that is reversed."""
    deployed = await host.deploy("v1.5.0")
    assert deployed.state is OperationState.DONE, (deployed.error, deployed.output)
    for trouble in ("broken", *troubles):
        (tools / trouble).touch()
    number = await host.request(runbook=rollback.RUNBOOK, **{"with": rollback.MIGRATIONS})
    operation = await host.finish(number)
    assert operation.state is OperationState.FAILED
    titles = [step.planned.title for step in operation.steps if step.started]
    assert titles[-1] == "Static files"
    assert "Back to grandvps.0002_indexes" in titles
    return operation


def columns(site: Site) -> list[str]:
    """The columns of the table that the migration changes."""
    query = "select column_name from information_schema.columns where table_name = %s"
    with psycopg.connect(site.url) as connection:
        return [str(name) for (name,) in connection.execute(query, ("support_tickets",))]


async def test_a_later_failure_applies_what_was_reversed_again(
    host: Bench, site: Site, tools: Path
) -> None:
    operation = await reversed_and_failed(host, tools)
    assert await site.runs("1.5.0")
    assert site.applied() == [*MIGRATIONS, PRIORITY]
    assert "priority" in columns(site)
    backup = operation.results()["backup.publish"]["set"]
    assert f"grandvps.{PRIORITY}) is applied again" in operation.error
    assert f"The data that went are in the backup {backup}" in operation.error


async def test_what_cannot_be_applied_again_is_said_with_the_backup(
    host: Bench, site: Site, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "UNDO_PAUSES", (0.1,))
    operation = await reversed_and_failed(host, tools, "stuck")
    assert site.applied() == [*MIGRATIONS]
    told = f"1 migration (grandvps.{PRIORITY}) stays reversed, which the code needs"
    assert told in operation.error
    backup = operation.results()["backup.publish"]["set"]
    assert f"The data that went are in the backup {backup}" in operation.error


async def test_from_an_older_deploy_on_all_is_reversed_by_the_code_that_has_all(
    host: Bench, site: Site
) -> None:
    older = await host.deploy("v1.4.1")
    newer = await host.deploy("v1.5.0")
    assert newer.state is OperationState.DONE, (newer.error, newer.output)
    wanted: dict[str, Any] = {"deploy": older.id, "with": rollback.MIGRATIONS}
    operation = await host.finish(await host.request(runbook=rollback.RUNBOOK, **wanted))
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert await site.runs("1.4.0")
    assert site.applied() == [*MIGRATIONS]
    assert "priority" not in columns(site)


async def test_what_cannot_be_reversed_is_known_before_anything_is(
    host: Bench, site: Site, tools: Path
) -> None:
    deployed = await host.deploy("v1.5.0")
    assert deployed.state is OperationState.DONE, (deployed.error, deployed.output)
    (tools / "final").touch()
    number = await host.request(runbook=rollback.RUNBOOK, **{"with": rollback.MIGRATIONS})
    operation = await host.finish(number)
    assert operation.state is OperationState.FAILED
    assert f"Nothing was reversed: grandvps.{PRIORITY} cannot be" in operation.error
    assert "--database" in operation.error
    assert "(v1.5.0) runs as before; it was never stopped." in operation.error
    assert await site.runs("1.5.0")
    assert site.applied() == [*MIGRATIONS, PRIORITY]
    assert "priority" in columns(site)
