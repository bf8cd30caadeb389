"""Old sets go after a good backup, or by hand once somebody has seen which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.backups.model import Manifest
from bot.backups.verdicts import Verdict
from bot.operations.asking import Asking
from bot.operations.model import Operation
from bot.operations.states import OperationState, StepState
from bot.slack.limits import fit
from bot.slack.surface import Answer
from commands.backup import BackupCommand
from tests.backups.conftest import ALICE, Bench
from tests.backups.test_command import NoModals, request


def older(bench: Bench, one: Manifest, days: int) -> Manifest:
    """A copy of a set that is as good, taken days before."""
    started = one.started - timedelta(days=days)
    name = started.strftime("%Y%m%dT%H%M%SZ")
    made = one.model_copy(update={"id": name, "started": started, "finished": started})
    path = bench.store / name
    path.mkdir()
    for file in one.files:
        (path / file.path).write_bytes((bench.store / one.id / file.path).read_bytes())
    (path / "manifest.json").write_text(made.model_dump_json())
    return made


def names(bench: Bench) -> list[str]:
    return sorted(path.name for path in bench.store.iterdir())


async def ask(bench: Bench, text: str) -> Answer:
    """What a query of `/backup` answers."""
    asking = Asking(bench.database, bench.operations)
    call = BackupCommand(bench.settings, bench.backups, asking).parse(request(text))
    assert call.query
    answer = await call.query(request(text), NoModals())
    assert answer
    assert fit(answer.message).overflow is None
    return answer


async def prune(bench: Bench) -> Operation:
    """The runbook, confirmed by who asked for it."""
    operation = await bench.operations.preview("prune", bench.target, {}, actor=ALICE)
    assert operation.state is OperationState.PLANNED
    async with bench.database.transaction() as tx:
        await bench.operations.confirm(tx, operation.id, actor=ALICE)
    await bench.engine.run(operation.id)
    return await bench.operations.get(operation.id)


async def test_the_plan_names_each_set_and_removes_none(host: Bench) -> None:
    _, one = await host.make("logs")
    second, third = older(host, one, 1), older(host, one, 2)
    before = names(host)
    answer = await ask(host, "plan prune")
    plan = answer.data["plan"]
    assert plan["facts"] == {"sets": [third.id]}
    assert list(plan["notes"]) == [
        f"{one.id}  stays: last",
        f"{second.id}  stays: last",
        f"{third.id}  goes",
    ]
    assert plan["steps"][0]["command"] == f"rm -r {host.store / third.id}"
    assert "the plan. Nothing has been run." in answer.message.text
    assert (await ask(host, "prune --plan")).data == answer.data
    assert names(host) == before


async def test_what_was_confirmed_goes_and_nothing_else(host: Bench) -> None:
    _, one = await host.make("logs")
    second, _ = older(host, one, 1), older(host, one, 2)
    operation = await prune(host)
    assert operation.state is OperationState.DONE, operation.error
    assert operation.steps[0].note == "1 backup removed"
    assert names(host) == sorted([one.id, second.id])


async def test_with_nothing_to_remove_nothing_runs(host: Bench) -> None:
    await host.make("logs")
    before = names(host)
    told = (await ask(host, "prune")).message
    assert told.text == "Nothing to remove: every backup of grandvps is kept."
    assert await host.operations.last("prune", "grandvps") == []
    # As where it was planned before another one removed them.
    operation = await prune(host)
    assert operation.state is OperationState.DONE
    assert operation.steps[0].state is StepState.LEFT_OUT
    assert names(host) == before


async def test_a_plan_that_has_become_another_removes_nothing(host: Bench) -> None:
    _, one = await host.make("logs")
    older(host, one, 1), older(host, one, 2)
    planned = await host.operations.preview("prune", host.target, {}, actor=ALICE)
    async with host.database.transaction() as tx:
        await host.operations.confirm(tx, planned.id, actor=ALICE)
    older(host, one, 3)
    before = names(host)
    await host.engine.run(planned.id)
    operation = await host.operations.get(planned.id)
    assert operation.state is OperationState.FAILED
    assert "sets: " in operation.error
    assert names(host) == before


async def test_damaged_sets_count_for_nothing_and_stay(host: Bench) -> None:
    _, one = await host.make("logs")
    damaged = older(host, one, 1)
    (host.store / damaged.id / "logs.tar.zst").write_bytes(b"")
    good = older(host, one, 2)
    answer = await ask(host, "plan prune")
    assert answer.data["plan"]["facts"] == {"sets": []}
    assert answer.data["plan"]["notes"][1].startswith(
        f"{damaged.id}  stays, but does not count: logs.tar.zst has 0 bytes"
    )
    assert answer.data["plan"]["notes"][2] == f"{good.id}  stays: last"


async def test_a_set_that_failed_its_drill_counts_for_nothing(host: Bench) -> None:
    _, one = await host.make("logs")
    second, third, _ = older(host, one, 1), older(host, one, 2), older(host, one, 3)

    async def verdicts(target: str) -> Mapping[str, Verdict]:
        now = datetime.now(UTC)
        bad = Verdict(target, one.id, False, now, "opsbell", 7, "12 rows are missing in users")
        good = Verdict(target, second.id, True, now, "opsbell", 8, "all rows are there")
        return {one.id: bad, second.id: good}

    host.backups._verdicts = verdicts
    plan = (await ask(host, "plan prune")).data["plan"]
    assert plan["notes"][0] == (
        f"{one.id}  stays, but does not count: it failed its restore drill: 12 rows are missing in"
        " users"
    )
    assert [note.endswith("stays: last") for note in plan["notes"][1:]] == [True, True, False]
    assert await host.backups.newest(host.target) is None  # of all parts
    newest = await host.backups.store(host.target).newest(["logs"])
    assert newest == second
    listed = json.dumps((await ask(host, "list")).message.blocks, ensure_ascii=False)
    assert "cannot be trusted: it failed its restore drill" in listed
    assert third.id in listed


async def test_sets_of_a_clock_that_was_ahead_do_not_push_out_the_real_ones(host: Bench) -> None:
    _, one = await host.make("logs")
    ghosts = [older(host, one, -days) for days in (400, 401, 402)]
    for _ in range(2):
        await host.make("logs")
    left = names(host)
    assert {ghost.id for ghost in ghosts} < {*left}
    assert one.id not in left
    assert len(left) == 5


async def test_the_last_good_database_outlives_any_number_of_other_sets(host: Bench) -> None:
    path, _ = await host.make("database")
    for _ in range(4):
        await host.make("logs")
    assert path.name in names(host)
    assert len(names(host)) == 3


async def test_a_backup_that_fails_removes_nothing(host: Bench) -> None:
    _, one = await host.make("logs")
    older(host, one, 1), older(host, one, 2)
    before = names(host)
    logs = host.settings.target(host.target).directory / "logs"
    logs.rename(logs.with_name("away"))
    operation = await host.run("logs")
    assert operation.state is OperationState.FAILED
    assert names(host) == before


async def test_a_database_that_has_shrunk_removes_nothing(
    host: Bench, application_url: str
) -> None:
    _, one = await host.make("database")
    larger = tuple(
        f.model_copy(update={"size": f.size * 9}) if f.path == "database.dump" else f
        for f in one.files
    )
    for days in (1, 2):
        older(host, one, days)
    manifest = host.store / one.id / "manifest.json"
    manifest.write_text(one.model_copy(update={"files": larger}).model_dump_json())
    with (host.store / one.id / "database.dump").open("ab") as dump:
        dump.write(bytes(next(f.size for f in one.files if f.path == "database.dump") * 8))
    before = names(host)
    operation = await host.run("database")
    assert operation.state is OperationState.DONE
    assert operation.steps[-1].note == (
        "nothing removed: look at the warning first, then prune by hand"
    )
    assert {*before} < {*names(host)}


async def test_a_removal_that_is_stuck_does_not_spoil_the_backup(
    host: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, one = await host.make("logs")
    older(host, one, 1)

    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bot.backups.disk.remove_directory", refuse)
    operation = await host.run("logs")
    assert operation.state is OperationState.DONE
    assert operation.steps[-1].note == "⚠️ old backups were not removed: Permission denied"


async def test_the_list_says_why_each_stays_and_shows_it_at_a_click(host: Bench) -> None:
    _, one = await host.make("logs")
    second, third = older(host, one, 1), older(host, one, 2)
    answer = await ask(host, "list")
    rows = answer.message.blocks[1:-1]
    assert [row["text"]["text"].rpartition(" · ")[2] for row in rows] == [
        "kept: last",
        "kept: last",
        "goes with the next pruning",
    ]
    assert [row["accessory"]["value"] for row in rows] == [
        f"grandvps {each.id}" for each in (one, second, third)
    ]
    assert [each["kept"] for each in answer.data["backups"]] == [["last"], ["last"], []]
    asking = Asking(host.database, host.operations)
    control = BackupCommand(host.settings, host.backups, asking).controls()[0]
    assert control.call.query
    clicked = request("")
    shown = await control.call.query(
        type(clicked)(**(clicked.as_json() | {"value": f"grandvps {third.id}", "chosen": ()})),
        NoModals(),
    )
    assert shown
    assert third.id in shown.message.text


async def test_the_plan_of_a_backup_says_what_runs(host: Bench, application_url: str) -> None:
    plan = (await ask(host, "plan")).data["plan"]
    assert plan["facts"] == {"include": ["database", "media", "logs", "config"]}
    for text in ("plan now", "now --plan"):
        assert (await ask(host, text)).data["plan"] == plan
    assert [step["title"] for step in plan["steps"]] == [
        "Check",
        "Database",
        "Media",
        "Logs",
        "Configuration",
        "Read back",
        "Publish",
        "Prune",
    ]
    assert all(step["command"] for step in plan["steps"])
    assert "last 2" in plan["steps"][-1]["risk"]
    assert plan["steps"][-1]["risk"].endswith("; what is removed cannot be brought back")
    with psycopg.connect(application_url) as connection:
        secret = connection.info.password or "canary-in-the-environment"
    assert secret not in json.dumps(plan)
    assert (await ask(host, "plan now media")).data["plan"]["facts"] == {"include": ["media"]}
    assert names(host) == [] if host.store.exists() else True


async def test_steps_fit_into_another_plan(host: Bench) -> None:
    steps = host.backups.steps(host.target, ["database", "media"], title="Safety backup")
    assert [step.title for step in steps] == [
        "Safety backup: check",
        "Safety backup: database",
        "Safety backup: media",
        "Safety backup: read back",
        "Safety backup: publish",
    ]
    # What is restored may be one of the sets that pruning would remove.
    assert "backup.prune" not in {step.kind for step in steps}
