"""Opsbell is killed in the middle of a deploy: what the next start finds, what people choose."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.operations.model import Operation
from bot.operations.states import Course, OperationState
from tests.deploys.bench import Bench
from tests.deploys.conftest import Site
from tests.parts.process import ChildProcess

pytestmark = pytest.mark.needs("git")

ROOT = Path(__file__).parents[2]

BOUNDS = [
    ("deploy.check", "after", Course.RESUME),
    ("maintenance.on", "before", Course.UNDO),
    ("maintenance.on", "after", Course.RESUME),
    ("deploy.keep", "after", Course.UNDO),
    ("git", "before", Course.RESUME),
    ("git", "after", Course.UNDO),
    ("deploy.manage", "after", Course.UNDO),
    ("deploy.migrate", "before", Course.UNDO),
    ("deploy.migrate", "after", Course.RESUME),
    ("deploy.switch", "before", Course.RESUME),
    ("deploy.switch", "after", Course.UNDO),
    ("deploy.switch", "after", Course.RESUME),
]


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Without the backup, which has such tests of its own."""
    settings["targets"]["grandvps"]["deploy"]["leave_out"] = ["static", "backup"]
    return settings


def child(
    settings: dict[str, Any], tmp_path: Path, database_url: str, number: int, *doom: str
) -> ChildProcess:
    """Another process that runs an operation; see `tests.deploys.child`."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings, default=str))
    argv = (sys.executable, "-m", "tests.deploys.child", str(file), database_url, str(number))
    return ChildProcess(*argv, *doom, cwd=ROOT)


def closed(site: Site) -> bool:
    """Whether the maintenance file is there."""
    return (site.directory / "maintenance_mode.txt").exists()


async def chosen(host: Bench, site: Site, operation: Operation, course: Course) -> None:
    """What comes of a choice: the new release or the old one, whole, healthy and open."""
    ended = await host.choose(operation.id, course)
    version = "1.5.0" if course is Course.RESUME else "1.4.0"
    state = OperationState.DONE if course is Course.RESUME else OperationState.UNDONE
    assert ended.state is state, (ended.error, ended.output)
    assert await site.runs(version)
    assert await site.git("describe", "--tags") == f"v{version}"
    assert await site.git("status", "--porcelain", "--untracked-files=no") == ""
    assert not closed(site)


@pytest.mark.parametrize(("kind", "when", "course"), BOUNDS)
async def test_killed_at_a_bound_of_a_step(
    host: Bench,
    site: Site,
    settings: dict[str, Any],
    tmp_path: Path,
    database_url: str,
    kind: str,
    when: str,
    course: Course,
) -> None:
    number = await host.request("v1.5.0")
    async with child(settings, tmp_path, database_url, number, kind, when) as running:
        assert await running.wait(timeout=120) == -9, running.output
    found = await host.finish(number)
    assert found.state is OperationState.INTERRUPTED
    assert found.course is Course.CHOOSE
    begun = found.results()
    assert closed(site) is ("maintenance.on" in begun)
    await chosen(host, site, found, course)


@pytest.mark.parametrize("kind", ["deploy.healthy", "maintenance.off", "deploy.watch"])
async def test_killed_once_the_new_release_runs_it_is_brought_to_its_end(
    host: Bench,
    site: Site,
    settings: dict[str, Any],
    tmp_path: Path,
    database_url: str,
    kind: str,
) -> None:
    number = await host.request("v1.5.0")
    async with child(settings, tmp_path, database_url, number, kind, "before") as running:
        assert await running.wait(timeout=120) == -9, running.output
    found = await host.finish(number)
    assert found.state is OperationState.DONE, found.error
    assert await site.runs("1.5.0")
    assert not closed(site)


@pytest.mark.parametrize("seed", range(3))
async def test_killed_at_any_moment(
    host: Bench,
    site: Site,
    settings: dict[str, Any],
    tmp_path: Path,
    database_url: str,
    seed: int,
) -> None:
    number = await host.request("v1.5.0")
    chance = random.Random(seed)  # noqa: S311 - for nothing that is secret
    async with child(settings, tmp_path, database_url, number) as running:
        async with asyncio.timeout(60):
            while (await host.operations.get(number)).state is OperationState.QUEUED:
                await asyncio.sleep(0.02)
        await asyncio.sleep(chance.uniform(0.0, 4.0))
        await running.kill9()
    found = await host.finish(number)
    if found.state is OperationState.DONE:
        assert await site.runs("1.5.0")
        return
    assert found.state is OperationState.INTERRUPTED
    await chosen(host, site, found, chance.choice([Course.RESUME, Course.UNDO]))
