"""Which backup `latest` means: never the one that was just taken of what is broken."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.errors import NotFound, Refused
from bot.operations.asking import Asking
from bot.restores.model import MOVE, SWAP
from bot.slack.surface import Kind, Request
from commands.restore import RestoreCommand
from tests.backups.test_command import NoModals
from tests.restores.bench import Bench
from tests.restores.world import execute


async def test_the_safety_backup_of_a_restore_is_not_the_latest(host: Bench, world: str) -> None:
    path, _ = await host.backups.make("database")
    execute(world, "drop table users cascade")
    await host.restored(parts=["database"])
    newest = (await host.backups.backups.sets(host.target))[0]
    assert newest.id != path.name
    assert newest.manifest
    reason = newest.manifest.reason
    assert re.fullmatch(r"before restore #\d+", reason)
    plan = await host.restores.plan(host.target, {"set": "latest", "parts": ["database"]})
    assert plan.facts["set"] == path.name
    assert f"{newest.id} (the safety backup {reason})" in plan.notes[0]


async def test_the_latest_holds_what_is_asked_for(host: Bench) -> None:
    whole, _ = await host.backups.make()
    part, _ = await host.backups.make("database")
    plan = await host.restores.plan(host.target, {"set": "latest"})
    assert plan.facts["set"] == whole.name
    assert set(plan.facts["parts"]) == {"database", "media", "logs", "config"}
    assert f"{part.name} (holds no " in plan.notes[0]
    plan = await host.restores.plan(host.target, {"set": "latest", "parts": ["database"]})
    assert plan.facts["set"] == part.name
    assert not any("not taken" in note for note in plan.notes)


async def test_the_plan_names_the_maintenance_around_each_swap(host: Bench) -> None:
    await host.backups.make("database", "media")
    wanted = {"set": "latest", "parts": ["database", "media"]}
    plan = await host.restores.plan(host.target, wanted)
    swaps = [step for step in plan.steps if step.kind in (SWAP, MOVE)]
    assert len(swaps) == 2
    for step in swaps:
        first, *_, last = step.command.splitlines()
        assert first == "maintenance on, unless it is"
        assert last == "maintenance off, unless it was on before"
    assert "visitors see the maintenance page for a moment" in swaps[0].risk


async def typed(host: Bench, text: str) -> dict[str, Any]:
    """The plan of what is typed."""
    asking = Asking(host.backups.database, host.backups.operations)
    command = RestoreCommand(host.backups.settings, host.restores, asking)
    asked = Request(Kind.COMMAND, text, "restore", "os:root", text=f"plan {text}")
    call = command.parse(asked)
    assert call.query
    answer = await call.query(asked, NoModals())
    assert answer
    plan: dict[str, Any] = answer.data["plan"]
    return plan


async def test_typed_without_parts_it_is_the_database_alone_and_the_rest_is_named(
    host: Bench,
) -> None:
    path, _ = await host.backups.make()
    plan = await typed(host, "latest")
    assert plan["facts"]["parts"] == ["database"]
    assert plan["notes"][0] == (
        "Not replaced: media, logs and config, which the backup holds as well."
        f" /restore {path.name} all replaces everything."
    )
    assert (await typed(host, path.name))["facts"]["parts"] == ["database"]
    whole = await typed(host, "latest ALL")
    assert whole["facts"]["parts"] == ["database", "media", "logs", "config"]
    assert not any("Not replaced" in note for note in whole["notes"])
    named = await typed(host, "latest media config")
    assert named["facts"]["parts"] == ["media", "config"]
    assert named["notes"][0].startswith("Not replaced: database and logs, ")


async def test_typed_without_parts_it_is_all_of_a_backup_without_a_database(host: Bench) -> None:
    files, _ = await host.backups.make("media", "logs")
    assert (await typed(host, files.name))["facts"]["parts"] == ["media", "logs"]
    with pytest.raises(NotFound, match="no good backup of grandvps with database"):
        await typed(host, "latest")
    database, _ = await host.backups.make("database")
    assert (await typed(host, "latest"))["facts"]["set"] == database.name


async def test_nor_is_that_of_a_restore_in_a_runbook(host: Bench) -> None:
    good, _ = await host.backups.make("database")
    safety, _ = await host.backups.make("database")
    manifest = json.loads((safety / "manifest.json").read_text())
    reason = {"reason": "before restore in runbook:mend #7"}
    (safety / "manifest.json").write_text(json.dumps(manifest | reason))
    plan = await host.restores.plan(host.target, {"set": "latest", "parts": ["database"]})
    assert plan.facts["set"] == good.name


async def test_where_none_holds_it_what_there_is_is_named(host: Bench) -> None:
    part, _ = await host.backups.make("database")
    with pytest.raises(NotFound, match="no good backup of grandvps with media") as raised:
        await host.restores.plan(host.target, {"set": "latest", "parts": ["media"]})
    assert f"{part.name} (holds no media)" in raised.value.hint


async def test_a_set_of_what_is_no_longer_configured_is_no_plan_of_nothing(host: Bench) -> None:
    path, _ = await host.backups.make("media")
    archive, renamed = path / "media.tar.zst", path / "uploads.tar.zst"
    archive.rename(renamed)
    manifest = (path / "manifest.json").read_text()
    (path / "manifest.json").write_text(manifest.replace(archive.name, renamed.name))
    with pytest.raises(Refused, match="holds nothing that is configured") as raised:
        await host.restores.plan(host.target, {"set": path.name})
    assert raised.value.hint == "It holds uploads."
