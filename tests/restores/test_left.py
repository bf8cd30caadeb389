"""What restores have left behind is named with the way to remove it, and nothing else is."""

from __future__ import annotations

from bot.restores.model import Left, incoming_name
from tests.backups.tools import shell
from tests.restores.bench import Bench
from tests.restores.test_files import application
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
        assert await host.restores.left(host.target) == Left((), told[1:2])
        # While an operation waits it may be that one's.
        await host.request("restore", set="latest", parts=["media"])
        assert await host.restores.left(host.target) == Left()
    finally:
        execute(elsewhere, f'drop database if exists "{left}"')
        execute(elsewhere, f'drop database "{others}"')
