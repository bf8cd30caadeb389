"""Ways back from a deploy that a person chooses."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from bot.deploys import rollback, view
from bot.errors import Refused
from bot.operations.model import TakenBack
from bot.operations.plan import Confirm
from bot.operations.states import OperationState
from tests.deploys.bench import Bench
from tests.deploys.conftest import MIGRATIONS, Site
from tests.parts.visitor import NO_ANSWER, visiting

AS_SOMEBODY = ("-c", "user.name=A", "-c", "user.email=a@example.com")

pytestmark = pytest.mark.needs("git")


async def back(host: Bench, **parameters: Any) -> int:
    """Asks for a rollback; its number."""
    return await host.request(runbook=rollback.RUNBOOK, **parameters)


async def shown(host: Bench, number: int) -> str:
    """An operation's live message, as JSON."""
    row = await host.database.one(
        "select message::text as text from posts where key = %s", (f"operation:{number}",)
    )
    return str(row["text"])


async def test_the_last_deploy_is_taken_back(host: Bench, site: Site) -> None:
    deployed = await host.deploy("v1.4.1")
    assert view.BACK in await shown(host, deployed.id)
    going = replace(deployed, taken_back=(TakenBack(deployed.id + 1, done=False),))
    async with host.database.transaction() as tx:
        assert await view.next_steps(tx, going) == []
    operation = await host.finish(await back(host))
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert operation.plan.facts["deploy"] == deployed.id
    assert await site.runs("1.4.0")
    said = await shown(host, deployed.id)
    assert f"· taken back by operation {operation.id} ·" in said
    # What runs already is not offered; nor migrations, of which it had none.
    assert view.BACK not in said
    with pytest.raises(Refused, match="runs already"):
        await host.deploys.plan_rollback("grandvps", {})
    forth = await host.finish(await back(host, deploy=operation.id))
    assert f"· taken back by operation {forth.id} ·" in await shown(host, operation.id)
    assert "· done ·" in await shown(host, deployed.id)


async def test_the_way_back_over_several_deploys(host: Bench, site: Site) -> None:
    first = await host.deploy("v1.4.1")
    second = await host.deploy("v1.5.0")
    operation = await host.finish(await back(host, deploy=first.id))
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert await site.runs("1.4.0")
    history = await host.deploys.history("grandvps")
    taken_back = {each.id: [one.by for one in each.taken_back] for each in history}
    assert taken_back == {first.id: [operation.id], second.id: [operation.id], operation.id: []}
    # Its migrations are reversed by the way back from the first.
    assert view.BACK not in await shown(host, second.id)
    assert site.applied() == [*MIGRATIONS, "0003_ticket_priority"]
    told = "\n".join(operation.plan.notes)
    assert "1 migration applied since: grandvps.0003_ticket_priority" in told
    assert "The database stays migrated" in told
    running = await host.deploys.running("grandvps")
    assert [str(each) for each in running.migrations.left] == ["grandvps.0003_ticket_priority"]
    # By the database nothing is to be applied once more, whatever the files say.
    told = "\n".join((await host.plan("v1.5.0")).notes)
    assert "migrations/0003_ticket_priority.sql (new, applied already)" in told
    assert "No migration to apply." in told
    # What runs now lacks the migration; the later deploy's code has it.
    plan = await host.deploys.plan_rollback(
        "grandvps", {"deploy": first.id, "with": rollback.MIGRATIONS}
    )
    newest = (await site.git("rev-parse", "v1.5.0"))[:10]
    titles = [step.title for step in plan.steps if not step.left_out]
    start = titles.index(f"Check out {newest}")
    assert titles[start + 1 : start + 3] == ["Can be reversed", "Back to grandvps.0002_indexes"]
    assert f"reversed by the code of {newest}" in plan.notes[-1]
    reverse = next(step for step in plan.steps if step.kind == "deploy.reverse")
    # Nobody needs it forward again: the code that would come back does not know it.
    assert (reverse.arguments["forward"], reverse.undo) == ("", "")


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Nobody is kept out where no migration needs it."""
    settings["targets"]["grandvps"]["deploy"]["zero_downtime"] = True
    return settings


async def test_the_database_of_before_comes_back_with_the_code(host: Bench, site: Site) -> None:
    deployed = await host.deploy("v1.5.0")
    assert deployed.state is OperationState.DONE, (deployed.error, deployed.output)
    # What was applied is no file of the difference, as where packages bring it.
    await site.git("rm", "--quiet", "migrations/0003_ticket_priority.sql")
    await site.git(*AS_SOMEBODY, "commit", "--quiet", "--message", "Squash")
    number = await host.operations.preview(
        rollback.RUNBOOK, "grandvps", {"with": rollback.DATABASE}, actor="slack:U0ALICE001"
    )
    assert number.plan.confirm is Confirm.NAME
    assert number.plan.rule == "restore"
    async with host.database.transaction() as tx:
        await host.operations.confirm(tx, number.id, actor="slack:U0ALICE001", typed="grandvps")
    async with visiting(f"http://127.0.0.1:{site.port}/") as visitor:
        operation = await host.finish(number.id)
    assert operation.state is OperationState.DONE, (operation.error, operation.output)
    assert await site.runs("1.4.0")
    assert site.applied() == [*MIGRATIONS]
    # Closed from before the swap until the old code runs: nobody met the new one on old data.
    first, *between, last = visitor.statuses()
    assert (first, last) == (200, 200)
    assert between[-1] == 503
    assert {*between} <= {503, NO_ANSWER}
    with psycopg.connect(site.url) as connection:
        columns = "select column_name from information_schema.columns where table_name = %s"
        names = [name for (name,) in connection.execute(columns, ("support_tickets",))]
    assert "priority" not in names
    said = await shown(host, deployed.id)
    assert f"· taken back by operation {operation.id} ·" in said
    assert view.BACK not in said


async def test_after_a_release_that_went_back_by_itself_the_database_can_follow(
    host: Bench, site: Site
) -> None:
    """v1.6.0 comes with the migration of v1.5.0, and never gets healthy."""
    failed = await host.deploy("v1.6.0")
    assert failed.state is OperationState.FAILED
    assert await site.runs("1.4.0")
    assert site.applied() == [*MIGRATIONS, "0003_ticket_priority"]
    with pytest.raises(Refused, match="runs already") as caught:
        await host.deploys.plan_rollback("grandvps", {"deploy": failed.id})
    assert "--database" in caught.value.hint
    plan = await host.deploys.plan_rollback(
        "grandvps", {"deploy": failed.id, "with": rollback.DATABASE}
    )
    assert plan.facts["set"] == failed.results()["backup.publish"]["set"]
    shutil.rmtree(host.settings.data.parent / "store")
    with pytest.raises(Refused, match=r"is there no more\."):
        await host.deploys.plan_rollback(
            "grandvps", {"deploy": failed.id, "with": rollback.DATABASE}
        )


async def test_migrations_are_reversed_by_the_code_that_brought_them(
    host: Bench, site: Site
) -> None:
    """As far as the plan goes: the sample's migrations cannot be reversed."""
    deployed = await host.deploy("v1.5.0")
    plan = await host.deploys.plan_rollback(
        "grandvps", {"deploy": deployed.id, "with": rollback.MIGRATIONS}
    )
    titles = [step.title for step in plan.steps if not step.left_out]
    reversing = titles.index("Back to grandvps.0002_indexes")
    assert reversing < next(i for i, title in enumerate(titles) if title.startswith("Check out"))
    step = next(step for step in plan.steps if step.title.startswith("Back to"))
    assert step.arguments["command"] == ["migrate", "grandvps", "0002_indexes"]
