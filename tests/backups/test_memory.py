"""A backup takes the same memory whatever the size of the database."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bot.operations.model import OperationState
from tests.backups.conftest import Bench, host_settings
from tests.backups.sample import fill_with_noise
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[2]
LIMIT = 64 << 20


@pytest.mark.timeout(600)
async def test_half_a_gigabyte_takes_no_more_memory_than_a_little(
    host: Bench, application_url: str, tmp_path: Path, database_url: str
) -> None:
    await asyncio.to_thread(fill_with_noise, application_url, 500)
    directory = host.settings.target(host.target).directory
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps(host_settings(directory, application_url, tmp_path / "store"), default=str)
    )
    number = await host.request("database")
    argv = (sys.executable, "-m", "tests.backups.child", str(settings), database_url, str(number))
    async with ChildProcess(*argv, cwd=ROOT) as child:
        said = await child.wait_for_line(r"memory before (\d+), peak (\d+)", timeout=500)
    assert (await host.operations.get(number)).state is OperationState.DONE
    (found,) = await host.backups.sets(host.target)
    assert found.good
    assert found.good.size > 500 << 20
    assert int(said[2]) - int(said[1]) < LIMIT
