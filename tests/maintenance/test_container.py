"""The maintenance file in a service's container."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.errors import Failed
from bot.maintenance.file import MaintenanceFile, maintenance_file
from bot.maintenance.status_view import status
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from bot.targets.targets import Targets
from tests.maintenance.conftest import Bench, open_bench
from tests.maintenance.test_notice import FULL
from tests.parts.compose_project import ComposeProject

pytestmark = pytest.mark.needs("docker", "compose", "web-image")


def settings_of(project: ComposeProject, file: str, **more: Any) -> dict[str, Any]:
    return {
        "targets": {
            "grandvps": {
                "runtime": "compose",
                "directory": project.directory,
                "compose": {"project": project.project},
                "maintenance": {"service": "web", "file": file, **more},
            }
        }
    }


async def where(project: ComposeProject) -> str:
    """The file for which the application in the container looks."""
    directory = (await project.exec("web", "readlink", "/proc/1/cwd")).strip()
    return f"{directory}/maintenance_mode.txt"


@pytest.fixture
async def file(grandvps: ComposeProject) -> AsyncIterator[MaintenanceFile]:
    settings = Settings.model_validate(settings_of(grandvps, await where(grandvps)))
    async with Targets(settings) as targets:
        yield maintenance_file(targets.get("grandvps"), settings.target("grandvps"))


async def test_it_is_made_replaced_and_removed(
    file: MaintenanceFile, grandvps: ComposeProject
) -> None:
    assert await file.read() is None
    await file.put(FULL)
    assert await file.read() == FULL
    await file.put(FULL)
    path = await where(grandvps)
    assert await grandvps.exec("web", "stat", "-c", "%a", path) == "644\n"
    names = await grandvps.exec("web", "ls", "-A", path.rpartition("/")[0])
    assert ".opsbell" not in names
    assert await file.remove() is True
    assert await file.remove() is False
    assert await file.read() is None


async def test_what_cannot_be_written_is_told(grandvps: ComposeProject) -> None:
    settings = Settings.model_validate(settings_of(grandvps, "/nowhere/at/all.txt"))
    async with Targets(settings) as targets:
        file = maintenance_file(targets.get("grandvps"), settings.target("grandvps"))
        with pytest.raises(Failed, match="The maintenance file in web cannot be changed"):
            await file.put(FULL)


@pytest.fixture
async def bench(
    grandvps: ComposeProject, database: Database, queue: Queue, tmp_path: Path
) -> AsyncIterator[Bench]:
    settings = settings_of(grandvps, await where(grandvps), url=f"{grandvps.web_url}/")
    async with open_bench(settings, tmp_path, database, queue) as bench:
        yield bench


async def test_visitors_of_the_container_meet_it(bench: Bench) -> None:
    done = await bench.on()
    assert (done.state, done.steps[0].note) == (OperationState.DONE, "503 proven")
    done = await bench.off()
    assert (done.state, done.steps[0].note) == (OperationState.DONE, "200 proven")


async def test_a_container_that_does_not_run_is_named_and_nothing_is_on_record(
    own_grandvps: ComposeProject, database: Database, queue: Queue, tmp_path: Path
) -> None:
    settings = settings_of(own_grandvps, await where(own_grandvps))
    async with open_bench(settings, tmp_path, database, queue) as bench:
        await own_grandvps.compose("stop", "web")
        failed = await bench.on()
        assert failed.state is OperationState.FAILED
        assert "The service web of grandvps does not run" in failed.error
        assert not await bench.is_on()
        told = status(await bench.maintenance.standing("grandvps"), bench.settings.timezone)
        assert told.text.startswith("⚫ Whether grandvps is in maintenance is not known")
        assert "(on record it is not)" in told.text
