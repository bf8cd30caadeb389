"""What restores have left behind is named with the way to remove it, and nothing else is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.operations.states import Course, OperationState
from bot.restores import view
from bot.restores.model import Left, incoming_name
from bot.terminal import lines
from tests.backups.tools import shell
from tests.restores.bench import Bench, host_settings
from tests.restores.test_files import application
from tests.restores.test_files import stages as stages_in
from tests.restores.test_keeping import age
from tests.restores.test_killed import killed
from tests.restores.world import execute, name_of, url_of


async def test_what_was_left_is_named_and_what_is_kept_is_not(host: Bench, world: str) -> None:
    await host.backups.make("database", "media")
    await host.restored(parts=["database", "media"], backup=False)
    assert await host.restores.left(host.target) == Left()
    elsewhere, left = url_of(world, "postgres"), incoming_name(name_of(world), "20261122T020000Z")
    others = "somebody_restoring_20261122T020000Z"
    for name in (left, others):
        execute(elsewhere, f'create database "{name}"')
    media = application(host) / "media"
    stages = [media.parent / f".opsbell-media-2026112{day}T020000Z" for day in (1, 2)]
    for stage in stages:
        stage.mkdir()
    (stages[1] / ".journal-media-7.json").write_text("[]")
    try:
        told = (await host.restores.left(host.target)).commands
        assert told == (
            f"rm -r -- {stages[0]}",
            f"{stages[1]} (may hold replaced files: look before it is removed)",
            f'drop database "{left}";',
        )
        await shell(told[0])
        execute(elsewhere, told[2])
        assert await host.restores.left(host.target) == Left(commands=told[1:2])
        # While an operation waits it may be that one's.
        await host.request("restore", set="latest", parts=["media"])
        assert await host.restores.left(host.target) == Left()
    finally:
        execute(elsewhere, f'drop database if exists "{left}"')
        execute(elsewhere, f'drop database "{others}"')


async def left_by(bench: Bench, number: int) -> None:
    """Somebody leaves as it is what a killed restore has unpacked; nothing before that removes it,
    however old."""
    await bench.backups.engine.run(number)
    operation = await bench.backups.operations.get(number)
    assert operation.state is OperationState.INTERRUPTED, operation.error
    [beside] = (await bench.restores.left(bench.target)).beside
    await age(bench, timedelta(hours=25))
    await bench.restores.keeping.remove_old(beside.id)
    left = await bench.restores.left(bench.target)
    assert [one.place for one in left.beside] == [beside.place]
    assert left.stays == {beside.id: f"operation {number} may still go on with it"}
    assert left.commands == ()
    assert await bench.restores.kept(bench.target) == []
    async with bench.backups.database.transaction() as tx:
        await bench.backups.operations.choose(tx, number, Course.LEAVE, actor=operation.actor)
    await bench.restores.keeping.remove_old(beside.id)
    left = await bench.restores.left(bench.target)
    assert left.beside
    assert left.stays == {}
    await age(bench, timedelta(hours=25))
    await bench.restores.keeping.remove_old(beside.id)
    assert await bench.restores.left(bench.target) == Left()


async def test_what_a_killed_restore_has_unpacked_goes_when_its_time_is_up(
    host: Bench, tmp_path: Path, world: str, database_url: str
) -> None:
    await host.backups.make("media")
    settings = host_settings(tmp_path, world)
    doom = ("before", "files")
    number = await killed(host, settings, tmp_path, database_url, doom, "media")
    assert len(stages_in(application(host))) == 1
    await left_by(host, number)
    assert stages_in(application(host)) == []


async def test_what_may_hold_replaced_files_stays_and_says_so(
    host: Bench, tmp_path: Path, world: str, database_url: str
) -> None:
    await host.backups.make("media")
    settings = host_settings(tmp_path, world)
    number = await killed(host, settings, tmp_path, database_url, ("before", "files"), "media")
    await host.backups.engine.run(number)
    operation = await host.backups.operations.get(number)
    async with host.backups.database.transaction() as tx:
        await host.backups.operations.choose(tx, number, Course.LEAVE, actor=operation.actor)
    [stage] = stages_in(application(host))
    journal = application(host) / stage / f".journal-media-{number}.json"
    journal.write_text("[]")
    await age(host, timedelta(hours=25))
    [beside] = (await host.restores.left(host.target)).beside
    await host.restores.keeping.remove_old(beside.id)
    left = await host.restores.left(host.target)
    assert left.stays == {beside.id: "it may hold replaced files, look before it is removed"}
    assert stages_in(application(host)) == [stage]
    told = view.standing(host.target, [], left, ZoneInfo("UTC"), slash="/restore")
    assert any(
        "by operation" in line and line.endswith(left.stays[beside.id]) for line in lines(told)
    )
