"""The scratch server itself: whose it is, and what it says when it does not come up."""

import pytest

from bot.drills.original import look_at_original
from bot.drills.sql import Session
from bot.errors import Failed, NotFound
from bot.targets.scratch import SERVICE, ScratchServer
from bot.targets.scratch_setup import ScratchSettings
from bot.targets.targets import Targets
from tests.drills.conftest import DrillBench
from tests.drills.tools import scratch_containers
from tests.parts.compose_project import ComposeProject, run

pytestmark = [
    pytest.mark.needs("docker", "compose", "postgres-image", "web-image"),
    pytest.mark.timeout(600),
]


def scratch_of(compose: DrillBench) -> ScratchServer:
    scratch = compose.bench.targets.scratch("grandvps")
    assert scratch
    return scratch


async def settings_of(compose: DrillBench) -> ScratchSettings:
    target = compose.bench.targets.get("grandvps")
    original = await look_at_original(Session(target, target.database(), "a test"))
    return original.scratch_settings()


async def test_compose_does_not_take_it_for_a_part_of_the_project(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    scratch, settings = scratch_of(compose), await settings_of(compose)
    # An image that Compose has built bears its marks, and a container has those of its image.
    labels = {"project": grandvps.project, "service": "db", "oneoff": "False"}
    changes = [f"--change=LABEL com.docker.compose.{key}={value}" for key, value in labels.items()]
    image = (await run("docker", "commit", *changes, grandvps.container("db"))).strip()
    before = (await grandvps.compose("ps", "--all", "--quiet")).split()
    try:
        await scratch.start(settings, image)
        assert len(await scratch_containers(grandvps)) == 1
        assert (await grandvps.compose("ps", "--all", "--quiet")).split() == before
        assert len(await compose.bench.targets.get("grandvps").health(["db"])) == 1
        # A second start replaces it, and nothing of the first is left.
        (first,) = await scratch_containers(grandvps)
        await scratch.start(settings, image)
        (second,) = await scratch_containers(grandvps)
        assert first != second
    finally:
        await scratch.remove()
        await run("docker", "rmi", "--force", image)
    assert await scratch_containers(grandvps) == []
    await scratch.remove()


async def test_one_that_does_not_come_up_says_why(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    scratch, settings = scratch_of(compose), await settings_of(compose)
    with pytest.raises(Failed, match=r"did not start: .*initdb.* not found"):
        await scratch.start(settings, "opsbell-test/web:1")
    assert await scratch.ended() == "it stopped"
    with pytest.raises(NotFound, match="The scratch server of grandvps does not run"):
        async with scratch.process(["true"], service=SERVICE):
            raise AssertionError("nothing runs there")
    await scratch.remove()
    assert await scratch.ended() == "it was removed"
    assert await scratch_containers(grandvps) == []


async def test_another_opsbells_server_is_left_alone(
    compose: DrillBench, grandvps: ComposeProject
) -> None:
    scratch, settings = scratch_of(compose), await settings_of(compose)
    image, _ = await scratch.image()
    # Its data may lie in a directory of the same name, in another container.
    async with Targets(compose.bench.settings, owner="another") as targets:
        another = targets.scratch("grandvps")
        assert another
        try:
            await another.start(settings, image)
            theirs = await scratch_containers(grandvps)
            await scratch.start(settings, image)
            assert len(await scratch_containers(grandvps)) == 2
            await scratch.remove()
            assert await scratch_containers(grandvps) == theirs
            assert await another.ended() == ""
        finally:
            await scratch.remove()
            await another.remove()
    assert await scratch_containers(grandvps) == []
