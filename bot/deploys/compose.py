"""A deploy's steps on a Compose target: build, Django's commands, the switch, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

from bot.config.targets import ComposeTarget
from bot.deploys import images
from bot.deploys.containers import (
    ServiceContainer,
    configuration,
    containers,
    docker,
    image_id,
)
from bot.deploys.deployment import CHECK, KEEP, SWITCH, Deployment, Result
from bot.deploys.rolling import roll
from bot.errors import Failed, NotFound
from bot.operations.model import StepContext
from bot.runbooks.commands import mark_of, run_command
from bot.targets.health import HealthState
from bot.targets.model import Target
from bot.words import count, join

_ENDING = timedelta(minutes=2)
_LOOK_EVERY = 0.2
_COMPLETED = "service_completed_successfully"
_STEP = "opsbell.step"
"""The label of a container of `docker compose run`: the mark of the step that it runs for."""


def build_arguments(services: Sequence[str]) -> tuple[str, ...]:
    """What `docker compose` is told to build."""
    return ("build", *services)


def run_arguments(service: str, command: Sequence[str], *options: str) -> tuple[str, ...]:
    """What `docker compose` is told to run a command in a container of its own: of the image as it
    was built last, with nothing else started or changed for it."""
    return ("run", "--rm", "--no-deps", "--no-TTY", *options, service, *command)


def up_arguments(services: Sequence[str]) -> tuple[str, ...]:
    """What `docker compose` is told to bring up. Those which the services depend on stay as they
    are, unless their own definition has changed. Without --no-deps: Compose would take the
    containers for others the next time that somebody brings them up."""
    return ("up", "--detach", "--no-build", *services)


async def build(deployment: Deployment, context: StepContext) -> Result:
    """Builds the images of the revision that is checked out; what runs goes on as it is."""
    argv = deployment.target.compose(*build_arguments(deployment.services))
    await run_command(deployment.target, context, argv, name="docker compose build")
    return {"note": join(await deployed(deployment))}


async def build_undone(deployment: Deployment, context: StepContext) -> None:
    """Ends a build that still runs, and has Compose find the images of before again."""
    await deployment.target.end_marked(mark_of(context))
    await images.put_back(deployment, kept(deployment))


async def manage(deployment: Deployment, context: StepContext, *command: str) -> str:
    """Runs one of Django's commands in a container of its own; its last line."""
    options = ("--label", f"{_STEP}={mark_of(context)}", "--env", f"PGAPPNAME={mark_of(context)}")
    argv = (*deployment.choices.manage, *command)
    arguments = run_arguments(deployment.choices.service, argv, *options)
    started = deployment.target.compose(*arguments)
    try:
        return await run_command(
            deployment.target, context, started, name=f"manage.py {command[0]}"
        )
    finally:
        # Where Compose was ended, its container may be left.
        await end_manage(deployment, context)


async def end_manage(deployment: Deployment, context: StepContext) -> None:
    """Ends the command of this step wherever it still runs, and proves it gone."""
    target, mark = deployment.target, mark_of(context)
    await target.end_marked(mark)
    listing = ("ps", "--all", "--quiet", "--filter", f"label={_STEP}={mark}")
    ends = asyncio.get_running_loop().time() + _ENDING.total_seconds()
    while left := (await docker(target, *listing)).split():
        if asyncio.get_running_loop().time() > ends:
            raise Failed("The container of a command could not be removed.")
        # Compose's own --rm may be at it, and Docker refuses the second one: the look counts.
        await target.run(("docker", "rm", "--force", *left), timeout=_ENDING)
        await asyncio.sleep(_LOOK_EVERY)


async def switch(deployment: Deployment, context: StepContext) -> Result:
    """Starts the new revision in place of the old one: each service beside its old containers
    first where the plan says `rolling`."""
    await _start(deployment, context, back=False)
    return {"note": f"{join(await deployed(deployment))} up"}


async def end_switch(deployment: Deployment, context: StepContext) -> None:
    """Ends what still runs of it. What ran before comes back by what kept it; a half-done switch
    is finished by doing it again."""
    await deployment.target.end_marked(mark_of(context))


async def switched(deployment: Deployment, context: StepContext) -> Result | None:
    """Whether all containers are those of the new revision, once what still runs of the step is
    ended. Where the image is that of before, it cannot be seen whether they are: None."""
    await end_switch(deployment, context)
    before = {str(each["image"]) for each in kept(deployment).values()}
    for service in await deployed(deployment):
        found = await containers(deployment.target, images.project(deployment), [service])
        if any(each.image in before for each in found):
            return None
    if await _not_as_wanted(deployment):
        return None
    return {"note": f"{join(await deployed(deployment))} up"}


async def bring_back(deployment: Deployment, context: StepContext) -> None:
    """Has Compose find the images of before, and starts them where the deploy had come to the
    switch. The work tree is back by then."""
    await images.put_back(deployment, kept(deployment))
    if deployment.begun(SWITCH):
        await _start(deployment, context, back=True)


def kept(deployment: Deployment) -> images.Kept:
    """The images that ran before, as the step that kept them told."""
    found: images.Kept = deployment.result(KEEP).get("images", {})
    return found


async def deployed(deployment: Deployment) -> list[str]:
    """The services that a deploy is about: those which were chosen, else those which are built,
    else all."""
    if deployment.services:
        return list(deployment.services)
    services = (await configuration(deployment.target))["services"]
    return sorted(name for name, each in services.items() if each.get("build")) or sorted(services)


async def why_not_rolling(target: Target, settings: ComposeTarget) -> str:
    """Why a service that is deployed cannot have two containers at a time, as a sentence; "" where
    all can."""
    services = (await configuration(target))["services"]
    built = [name for name, each in services.items() if each.get("build")]
    for name in settings.deploy.services or built or services:
        if name not in services:
            return f"{target.name} has no service called {name}."
        if (reason := _why_single(services[name])) and _runs_on(services, name):
            return f"{name} cannot have two containers at a time: {reason}."
    return ""


def _why_single(settings: Mapping[str, Any]) -> str:
    if settings.get("container_name"):
        return "it has a container_name"
    if any(str(each.get("published") or "0") != "0" for each in settings.get("ports", ())):
        return "it publishes a fixed port"
    if settings.get("network_mode") == "host":
        return "it is in the host's network"
    return ""


async def _start(deployment: Deployment, context: StepContext, *, back: bool) -> None:
    """Brings up what the files and images say now, and proves it."""
    if _is_rolling(deployment):
        await _roll_all(deployment, context, back=back)
    else:
        await _up(deployment, context, deployment.services)
    if troubles := await _not_as_wanted(deployment):
        raise Failed(f"Compose has ended, but {troubles}.")


async def _roll_all(deployment: Deployment, context: StepContext, *, back: bool) -> None:
    """Replaces one service after another: what others wait for before these, since Compose starts
    it with them, and what ends by itself or has no replicas as Compose does it."""
    services = (await configuration(deployment.target))["services"]
    chosen = await deployed(deployment)
    if missing := [name for name in chosen if name not in services]:
        raise NotFound(f"{deployment.target.name} has no service called {join(missing)}.")
    needs = {name: each.get("depends_on", ()) for name, each in services.items()}
    for service in TopologicalSorter(needs).static_order():
        if service not in chosen:
            continue
        if not _runs_on(services, service):
            await _up(deployment, context, [service])
            continue
        is_old = partial(_is_old, kept(deployment).get(service, {}), back)
        # What was ill before the deploy is brought back all the same.
        prove = not back or bool(deployment.result(CHECK).get("healthy"))
        number = _replicas(services[service])
        await roll(deployment, context, service, number, is_old, prove=prove)


async def _up(deployment: Deployment, context: StepContext, services: Sequence[str]) -> None:
    argv = deployment.target.compose(*up_arguments(services))
    await run_command(deployment.target, context, argv, name="docker compose up")


def _runs_on(services: Mapping[str, Any], name: str) -> bool:
    """Whether there shall be containers of a service that go on running: none does of one that
    another waits for to end."""
    waited_for = (each.get("depends_on", {}).get(name, {}) for each in services.values())
    ends = any(each.get("condition") == _COMPLETED for each in waited_for)
    return not ends and _replicas(services[name]) > 0


def _replicas(settings: Mapping[str, Any]) -> int:
    deploy = settings.get("deploy") or {}
    return int(deploy.get("replicas", settings.get("scale", 1)))


def _is_old(before: Mapping[str, Any], back: bool, container: ServiceContainer) -> bool:
    """Whether a container has to go: one of those before the deploy, or, on the way back, one that
    is not like these."""
    was_there = container.id in before.get("containers", ())
    if not back:
        return was_there
    same = (container.image, container.config_hash) == (before.get("image"), before.get("hash"))
    return not (was_there or same)


def _is_rolling(deployment: Deployment) -> bool:
    """Whether the plan has the services replaced one container after another."""
    steps = deployment.operation.plan.steps
    return any(step.kind == SWITCH and step.arguments.get("rolling") for step in steps)


async def _not_as_wanted(deployment: Deployment) -> str:
    """Which services are not what the files and images say now; "" where all are."""
    target = deployment.target
    services = (await configuration(target))["services"]
    troubles = []
    for service in await deployed(deployment):
        reference = images.reference_of(deployment, service, services[service])
        wanted = await image_id(target, reference)
        found = await containers(target, images.project(deployment), [service])
        running = [each for each in found if each.running]
        old = [each for each in running if each.image != wanted]
        if old:
            troubles.append(f"{count(len(old), 'container')} of {service} are of before")
        elif not running and not await _rests(deployment, service, services[service]):
            troubles.append(f"{service} does not run")
    return ", ".join(troubles)


async def _rests(deployment: Deployment, service: str, settings: Mapping[str, Any]) -> bool:
    """Whether a service has done its work and ended, or there shall be none of it."""
    if _replicas(settings) == 0:
        return True
    found = await deployment.target.health([service])
    return all(each.state is HealthState.FINISHED for each in found)
