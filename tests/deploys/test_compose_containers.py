"""Images kept and put back, commands in their own containers, and one container after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bot.config.deploys import Deploy
from bot.config.settings import Settings
from bot.config.targets import ComposeTarget
from bot.deploys import compose, images
from bot.deploys.containers import docker, image_id
from bot.deploys.deployment import KEEP, SWITCH, Deployment
from bot.errors import Failed
from bot.operations.model import Operation, Step
from bot.operations.plan import Plan, PlannedStep
from bot.operations.states import OperationState, StepState
from bot.runbooks.commands import mark_of
from bot.targets.targets import Targets
from bot.words import utc_now
from tests.deploys.django_stage import put_back
from tests.parts.compose_project import run
from tests.parts.django_project.project import DjangoProject, served
from tests.parts.django_project.releases import git
from tests.parts.visitor import visiting

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git")


@dataclass
class Told:
    """A step's context that remembers what it is told."""

    operation: Operation
    step: Step
    output_lines: list[str] = field(default_factory=list)

    async def progress(self, note: str, share: float | None = None) -> None:
        """Nobody follows it."""

    async def output(self, text: str) -> None:
        """Kept."""
        self.output_lines.append(text)


class Bench:
    """One deploy of the project, its steps called by hand."""

    def __init__(self, project: DjangoProject, targets: Targets, settings: ComposeTarget) -> None:
        self.project = project
        self._target = targets.get("grandvps")
        self.settings = settings
        self._results: dict[str, Mapping[str, Any]] = {}
        self.number = 1
        self.rolling = False

    def context(self, kind: str) -> Told:
        """The context of one step of the deploy as it has come so far."""
        planned = [
            PlannedStep(KEEP, "Keep"),
            PlannedStep(SWITCH, "Switch", {"rolling": self.rolling}),
        ]
        steps = tuple(
            Step(
                number,
                step,
                StepState.DONE if step.kind in self._results else StepState.RUNNING,
                result=self._results.get(step.kind, {}),
            )
            for number, step in enumerate(planned)
        )
        plan = Plan("deploy", "Deploy", "grandvps", tuple(planned))
        operation = Operation(
            self.number, plan, OperationState.RUNNING, "slack:U1", "manual", utc_now(), steps
        )
        return Told(operation, next(each for each in steps if each.planned.kind == kind))

    def deployment(self) -> Deployment:
        """The same, as the steps see it."""
        operation = self.context(KEEP).operation
        return Deployment(operation, self._target, self.settings, Path("/nowhere"))

    async def keep(self) -> None:
        """Keeps what runs."""
        self._results[KEEP] = await images.keep(self.deployment(), self.context(KEEP))

    async def build(self, tag: str) -> None:
        """Checks a release out and builds it."""
        git(self.project.directory, "checkout", "--quiet", "--detach", tag)
        await compose.build(self.deployment(), self.context(SWITCH))

    async def switch(self) -> None:
        """Brings up what was built."""
        await compose.switch(self.deployment(), self.context(SWITCH))

    async def bring_back(self) -> None:
        """Takes it back to the first release."""
        git(self.project.directory, "checkout", "--quiet", "--detach", "v1")
        await compose.bring_back(self.deployment(), self.context(KEEP))

    async def ids(self) -> list[str]:
        """The containers of the web service, running or not."""
        listed = await self.project.compose("ps", "--all", "--quiet", "web")
        return sorted(listed.split())


@pytest.fixture
async def bench(django: DjangoProject) -> AsyncIterator[Bench]:
    target = {
        "runtime": "compose",
        "directory": str(django.directory),
        "compose": {"project": django.project, "env_file": ".env.production"},
        "health": {"url": f"{django.web_url}/healthz", "within": "2m"},
        "deploy": {"services": ["web"], "keep": 2},
    }
    settings = Settings.model_validate({"targets": {"grandvps": target}})
    configured = settings.target("grandvps")
    assert isinstance(configured, ComposeTarget)
    async with Targets(settings) as targets:
        yield Bench(django, targets, configured)
    await put_back(django)


async def test_a_build_that_is_taken_back_leaves_what_ran_for_the_next_up(bench: Bench) -> None:
    before = await bench.ids()
    await bench.keep()
    await bench.build("v2")
    assert await bench.ids() == before
    git(bench.project.directory, "checkout", "--quiet", "--detach", "v1")
    await compose.build_undone(bench.deployment(), bench.context(SWITCH))
    await bench.project.compose("up", "--detach", "--wait")
    assert await bench.ids() == before
    assert "GrandVPS v1" in await served(bench.project)


async def test_the_switch_takes_effect_and_is_taken_back(bench: Bench) -> None:
    database = await bench.project.containers("db")
    await bench.keep()
    await bench.build("v2")
    assert await compose.switched(bench.deployment(), bench.context(SWITCH)) is None
    await bench.switch()
    assert await compose.switched(bench.deployment(), bench.context(SWITCH))
    await bench.project.compose("up", "--detach", "--wait")
    assert "GrandVPS v2" in await served(bench.project)
    await bench.bring_back()
    await bench.project.compose("up", "--detach", "--wait")
    assert "GrandVPS v1" in await served(bench.project)
    # Twice is as good as once.
    await bench.bring_back()
    assert await bench.project.containers("db") == database


async def test_one_container_after_another_no_visitor_is_turned_away(bench: Bench) -> None:
    bench.rolling = True
    await bench.keep()
    await bench.build("v2")
    async with visiting(f"{bench.project.web_url}/") as visitor:
        await bench.switch()
        assert len(await bench.ids()) == 1
        assert "GrandVPS v2" in await served(bench.project)
        await bench.bring_back()
        assert len(await bench.ids()) == 1
        assert "GrandVPS v1" in await served(bench.project)
    assert visitor.failures() == []
    seen = visitor.versions("GrandVPS v1", "GrandVPS v2")
    assert (seen[0], seen[-1]) == ("GrandVPS v1", "GrandVPS v1")
    assert "GrandVPS v2" in seen


async def test_a_new_container_that_never_gets_well_goes_and_the_old_one_stays(
    bench: Bench,
) -> None:
    bench.rolling = True
    before = await bench.ids()
    await bench.keep()
    await bench.build("v5")
    with pytest.raises(Failed, match=r"new container of web is unhealthy .* the old one goes on"):
        await bench.switch()
    assert await bench.ids() == before
    await bench.bring_back()
    assert await bench.ids() == before
    assert "GrandVPS v1" in await served(bench.project)


async def test_a_roll_that_was_cut_off_between_two_containers_is_finished_or_taken_back(
    bench: Bench,
) -> None:
    bench.rolling = True
    before = await bench.ids()
    await bench.keep()
    await bench.build("v2")
    up = ("up", "--detach", "--no-deps", "--no-recreate", "--scale", "web=2", "web")
    await bench.project.compose(*up)
    assert await compose.switched(bench.deployment(), bench.context(SWITCH)) is None
    assert len(await bench.ids()) == 2
    await bench.bring_back()
    assert await bench.ids() == before
    await bench.build("v2")
    await bench.project.compose(*up)
    await bench.switch()
    after = await bench.ids()
    assert len(after) == 1
    assert after != before
    assert "GrandVPS v2" in await served(bench.project)


async def test_what_ends_or_has_no_replicas_is_brought_up_and_the_rest_in_its_number(
    bench: Bench,
) -> None:
    bench.rolling = True
    bench.settings = bench.settings.model_copy(update={"deploy": Deploy(keep=2)})
    waits = "    depends_on:\n      migrate: {condition: service_completed_successfully}\n"
    two = "    deploy: {replicas: 2}\n"
    # Nothing of these can run twice, nor has to.
    migrate = "  migrate:\n    build: .\n    container_name: NAME\n    command: [date, +%s%N]\n"
    idle = "  idle:\n    build: .\n    deploy: {replicas: 0}\n"
    file = bench.project.directory / "docker-compose.yml"
    text = file.read_text().replace(
        "    build: .\n    env_file", f"    build: .\n{two}    env_file"
    )
    text = text.replace("    depends_on:\n      db:", f"{waits}      db:")
    migrate = migrate.replace("NAME", f"{bench.project.project}-migrating")
    file.write_text(text.replace("\nvolumes:\n", f"\n{migrate}{idle}\nvolumes:\n"))
    deployment = bench.deployment()
    assert await compose.why_not_rolling(deployment.target, bench.settings) == ""
    await bench.keep()
    await bench.build("v2")
    async with visiting(f"{bench.project.web_url}/") as visitor:
        await bench.switch()
        assert len(await bench.ids()) == 2
        assert "GrandVPS v2" in await served(bench.project)
        assert await compose.switched(bench.deployment(), bench.context(SWITCH))
        await bench.bring_back()
        assert len(await bench.ids()) == 2
        assert "GrandVPS v1" in await served(bench.project)
    assert visitor.failures() == []
    assert await bench.project.compose("ps", "--all", "--quiet", "idle") == ""


async def test_a_command_of_django_runs_in_the_image_that_was_built(bench: Bench) -> None:
    await bench.keep()
    await bench.build("v2")
    context = bench.context(SWITCH)
    code = "from grandvps import release; print(release.NAME)"
    assert await compose.manage(bench.deployment(), context, "shell", "-v0", "-c", code) == "v2"
    with pytest.raises(Failed, match=r"manage\.py shell ended with exit status 1"):
        await compose.manage(bench.deployment(), context, "shell", "-v0", "-c", "raise Exception")


async def test_a_command_that_is_cancelled_or_loses_its_client_is_gone_with_its_container(
    bench: Bench,
) -> None:
    context = bench.context(SWITCH)
    endless = ("shell", "-v0", "-c", "print('begun'); import time; time.sleep(600)")
    label = f"label=opsbell.step={mark_of(context)}"
    listing = ("docker", "ps", "--all", "--quiet", "--filter", label)

    async def begun() -> asyncio.Task[str]:
        work = asyncio.create_task(compose.manage(bench.deployment(), context, *endless))
        async with asyncio.timeout(30):
            while "begun\n" not in context.output_lines:
                await asyncio.sleep(0.1)
        context.output_lines.clear()
        return work

    work = await begun()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await run(*listing) == ""
    work = await begun()
    assert await run(*listing) != ""
    # As after the kill of all that ran it: somebody else ends it.
    await compose.end_manage(bench.deployment(), replace(context))
    assert await run(*listing) == ""
    with pytest.raises(Failed):
        await work


async def test_only_the_newest_images_are_kept(bench: Bench) -> None:
    repository = images.name(bench.deployment(), "web").partition(":")[0]
    target = bench.deployment().target
    for number in (9, 10, 11):
        bench.number = number
        await bench.keep()
    tags = (await docker(target, "image", "ls", "--format", "{{.Tag}}", repository)).split()
    assert sorted(tags) == ["deploy-10", "deploy-11"]
    kept = compose.kept(bench.deployment())["web"]
    assert await image_id(target, f"{repository}:deploy-11") == kept["image"]


async def test_an_image_that_docker_holds_on_to_keeps_nobody_from_deploying(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    target = bench.deployment().target
    bench.number = 20
    old = images.name(bench.deployment(), "web")
    # The one name that its image has; somebody's `docker compose run` without --rm has ended.
    recipe = f"FROM opsbell-test/django:1\nLABEL only={old}\n"
    await run("docker", "build", "--tag", old, "-", stdin=recipe)
    left = await docker(target, "create", old)
    try:
        for bench.number in (21, 22):
            await bench.keep()
            assert await image_id(target, images.name(bench.deployment(), "web"))
        assert await image_id(target, old)
        told = [each for each in caplog.records if each.name == images.__name__]
        assert [vars(each)["image"] for each in told] == [old]
    finally:
        await docker(target, "rm", left)
    bench.number = 23
    await bench.keep()
    assert await image_id(target, old) is None


async def test_an_image_that_is_gone_is_told(bench: Bench) -> None:
    await bench.keep()
    lost = {"web": {**compose.kept(bench.deployment())["web"], "image": "sha256:" + "0" * 64}}
    with pytest.raises(Failed, match="The previous image of web is gone from Docker"):
        await images.put_back(bench.deployment(), lost)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("", ""),
        ("    container_name: grandvps-web\n", "it has a container_name"),
        ('    ports: ["8000:8000"]\n', "it publishes a fixed port"),
        ('    ports: ["8000"]\n', ""),
        ("    network_mode: host\n", "it is in the host's network"),
    ],
)
async def test_what_cannot_run_twice_is_named(bench: Bench, change: str, reason: str) -> None:
    file = bench.project.directory / "docker-compose.yml"
    file.write_text(file.read_text().replace("    build: .\n", f"    build: .\n{change}"))
    deployment = bench.deployment()
    assert isinstance(deployment.settings, ComposeTarget)
    told = await compose.why_not_rolling(deployment.target, deployment.settings)
    assert told == (f"web cannot have two containers at a time: {reason}." if reason else "")
