"""A dump that cannot be read to its end while it is sent into a container."""

import asyncio
from pathlib import Path

import pytest

from bot.restores import databases
from bot.restores.loading import Dump, load
from bot.restores.meter import LoadMeter
from tests.backups.test_feeding import UNREADABLE
from tests.parts.compose_project import ComposeProject
from tests.restores.bench import Bench, Heard
from tests.restores.test_compose import compose as compose

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


@pytest.mark.parametrize("roles", ["", "CREATE ROLE nobody_here;\n"])
async def test_it_ends_the_restore_with_what_the_disk_says(
    compose: Bench, grandvps: ComposeProject, tmp_path: Path, roles: str
) -> None:
    (tmp_path / "roles.sql").write_text(roles)
    server, dump = compose.server, Dump(UNREADABLE, tmp_path / "roles.sql")
    await databases.create(server, "half_there", like=grandvps.database)
    async with asyncio.timeout(120):
        with pytest.raises(OSError, match="Input/output error"):
            await load(server, dump, "half_there", meter=LoadMeter(Heard()))
    await databases.drop(server, "half_there")
