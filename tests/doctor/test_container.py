"""Opsbell's own container as the doctor sees it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.doctor import container
from bot.playground import LocalSlack
from bot.targets.own_container import mounted_at, own_container
from tests.doctor.examining import findings
from tests.mistakes.test_container import SOCKET, ContainerBench, mounts
from tests.parts.compose_project import ComposeProject, run
from tests.parts.process import ChildProcess


async def test_outside_a_container_nothing_is_looked_at(tmp_path: Path) -> None:
    assert own_container() is None
    assert await findings(container.examine, tmp_path, {"timezone": "UTC"}) == []


def test_the_mount_of_a_path_that_is_not_there_yet() -> None:
    proc = mounted_at(Path("/proc/self/no-such-file"))
    assert (proc.place, proc.kind) == (Path("/proc"), "proc")
    assert mounted_at(Path("/no-such-directory")).place == Path("/")


@pytest.fixture
async def bench(
    tmp_path: Path, database_url: str, grandvps: ComposeProject
) -> AsyncIterator[ContainerBench]:
    async with LocalSlack() as slack:
        yield ContainerBench(tmp_path, database_url, slack, grandvps)


async def test_a_sound_container_is_well(bench: ContainerBench) -> None:
    policy = {"include": ["database"], "store": {"directory": str(bench.directory / "backups")}}
    scene = bench.boxed(*mounts(SOCKET, bench.project.directory), backups={"grandvps": policy})
    try:
        argv = (*scene.program, "check", "--json")
        async with ChildProcess(*argv, cwd=scene.directory, env=scene.env) as process:
            status = await process.wait(timeout=60)
    finally:
        await run("docker", "rm", "--force", f"{bench.project.project}-opsbell")
    answer = json.loads("\n".join(process.output))
    told = {(each["subject"], each["state"]): each["says"] for each in answer["findings"]}
    assert status == 0, process.output
    assert told["Path of grandvps", "ok"] == f"{bench.project.directory} is the same on the host."
    assert told["Volumes", "ok"] == "What Opsbell keeps outlives its container."
    assert told["Compose", "ok"].startswith("Docker Compose 2.")
    assert bench.project.canary not in str(answer)
