"""A rollback is planned with the images of before only where Docker still has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.config.targets import ComposeTarget
from bot.demo import releases
from bot.deploys import rollback
from bot.deploys.past import Past
from bot.operations.plan import Plan
from bot.targets.targets import Targets
from tests.parts.compose_project import run

pytestmark = pytest.mark.needs("docker", "web-image", "git")


async def planned(work: Path, image: str) -> Plan:
    """The way back from v1.4.1 to v1.4.0, which ran with an image."""
    origin, directory = work / "grandvps.git", work / "grandvps"
    assert releases.make(origin, directory)

    async def commit(ref: str) -> str:
        return (await run("git", "-C", str(origin), "rev-parse", f"{ref}^{{commit}}")).strip()

    before, after = await commit("v1.4.0"), await commit("v1.4.1")
    await run("git", "-C", str(directory), "checkout", "--quiet", "--detach", after)
    target = {"runtime": "compose", "directory": str(directory), "compose": {"project": "none"}}
    settings = Settings.model_validate({"targets": {"grandvps": target}})
    configured = settings.target("grandvps")
    assert isinstance(configured, ComposeTarget)
    kept = {"web": {"reference": "none-web", "image": image, "hash": "", "containers": []}}
    past = Past(1, "v1.4.1", before, after, None, frozenset(), False, "", kept, True)

    async def restore(name: str, backup: str) -> Plan:
        raise AssertionError("the code alone goes back")

    async with Targets(settings) as targets:
        found = targets.get("grandvps")
        return await rollback.plan(
            found, configured, past, {}, backup=lambda name: (), restore=restore
        )


def kinds(plan: Plan) -> set[str]:
    return {step.kind for step in plan.steps if not step.left_out}


async def test_an_image_that_is_there_gets_its_name_again(tmp_path: Path) -> None:
    found = await run("docker", "image", "inspect", "--format", "{{.Id}}", "opsbell-test/web:1")
    plan = await planned(tmp_path, found.strip())
    assert "deploy.images" in kinds(plan)
    assert "deploy.build" not in kinds(plan)


async def test_one_that_is_gone_is_built_and_the_plan_says_so(tmp_path: Path) -> None:
    plan = await planned(tmp_path, f"sha256:{'0' * 64}")
    assert "deploy.build" in kinds(plan)
    assert "deploy.images" not in kinds(plan)
    assert "The image of web is gone from Docker." in "\n".join(plan.notes)
