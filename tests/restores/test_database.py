"""The database is restored beside the live one, swapped in, and swapped back."""

import asyncio
from collections.abc import Mapping

from tests.restores.bench import Bench
from tests.restores.world import databases, everything, execute, name_of, url_of


async def test_comes_back_as_it_was_and_goes_back(host: Bench, world: str) -> None:
    name = name_of(world)
    taken: Mapping[str, object] = await asyncio.to_thread(everything, world)
    _, manifest = await host.backups.make()
    before = databases(world)
    execute(
        world, "create table since (n int); insert into since values (1); drop table parent cascade"
    )
    changed = await asyncio.to_thread(everything, world)
    operation = await host.restored(manifest.id, parts=["database"])
    assert await asyncio.to_thread(everything, world) == taken
    after = databases(world)
    [aside] = after.keys() - {name}
    assert aside.startswith(f"{name}_before_")
    assert after[aside] == before[name]
    assert await asyncio.to_thread(everything, url_of(world, aside)) == changed
    assert operation.steps[-1].note.startswith(f"{aside} is kept until ")
    sets = await host.backups.backups.sets(host.target)
    reasons = [one.manifest.reason for one in sets if one.manifest]
    assert reasons == [f"before restore #{operation.id}", "manual"]
    await host.undone()
    assert databases(world)[name] == before[name]
    assert await asyncio.to_thread(everything, world) == changed
    # What was restored is kept as well, and comes back by another undo.
    await host.undone()
    assert await asyncio.to_thread(everything, world) == taken
    assert len(databases(world)) == 2
