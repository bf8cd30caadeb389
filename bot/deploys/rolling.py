"""Replaces a service's containers without a moment in which none answers.

New containers are started beside the old ones, and these are stopped once the new ones are
healthy and known: Docker's name server tells whoever asks (a proxy before the service) of both.
What was cut off is done again from what is there; nothing is remembered.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.deploys import images
from bot.deploys.containers import (
    ServiceContainer,
    config_hash,
    configuration,
    containers,
    docker,
    image_id,
)
from bot.deploys.deployment import Deployment
from bot.deploys.health import LOOK_EVERY, within
from bot.errors import Failed
from bot.operations.model import StepContext
from bot.runbooks.commands import run_command
from bot.runbooks.kinds_wait import SETTLED
from bot.targets.health import HealthState
from bot.words import duration

KNOWN_AFTER = 3.0
"""Seconds after which a proxy that asks Docker's name server anew has heard of a container."""

_STOPPING = timedelta(minutes=5)


async def roll(deployment: Deployment, context: StepContext, service: str) -> None:
    """Replaces the containers of one service by those which the files and images say now.

    Raises Failed where the new ones do not get healthy: the old ones run on then, the new ones are
    removed.
    """
    new, old = await _sorted(deployment, service)
    if not old and any(each.running for each in new):
        return
    wanted = max(len([each for each in old if each.running]), 1)
    stopped = [each for each in (*new, *old) if not each.running]
    await _remove(deployment, stopped)
    new = [each for each in new if each.running]
    old = [each for each in old if each.running]
    if len(new) < wanted:
        await _start(deployment, context, service, len(old) + wanted)
    try:
        await _healthy(deployment, context, service)
    except BaseException:
        new, _ = await _sorted(deployment, service)
        if old:
            await asyncio.shield(_remove(deployment, new))
        raise
    await asyncio.sleep(KNOWN_AFTER)
    await _remove(deployment, old)


async def _start(deployment: Deployment, context: StepContext, service: str, number: int) -> None:
    options = ("--detach", "--no-build", "--no-deps", "--no-recreate")
    argv = deployment.target.compose("up", *options, "--scale", f"{service}={number}", service)
    await run_command(deployment.target, context, argv, name="docker compose up")


async def _healthy(deployment: Deployment, context: StepContext, service: str) -> None:
    """Waits until every new container is healthy, or has run for a while where it has no check."""
    clock = asyncio.get_running_loop().time
    began, limit = clock(), within(deployment).total_seconds()
    while True:
        new, _ = await _sorted(deployment, service)
        ids = {each.id[:12] for each in new}
        found = [
            each
            for each in await deployment.target.health([service])
            if each.begun.partition(" ")[0] in ids
        ]
        states = {each.state for each in found}
        waited = clock() - began
        settled = waited >= SETTLED and states <= {HealthState.HEALTHY, HealthState.RUNNING}
        if found and (states == {HealthState.HEALTHY} or settled):
            return
        told = ", ".join(sorted(states)) or "not started"
        await context.progress(f"{service}: new container {told}")
        if waited >= limit or states & {HealthState.UNHEALTHY, HealthState.STOPPED}:
            details = "\n".join(filter(None, (each.detail for each in found)))
            raise Failed(
                f"The new container of {service} is {told} after {duration(waited)}; the old one"
                " goes on.",
                output=deployment.target.redact(details),
            )
        await asyncio.sleep(LOOK_EVERY)


async def _sorted(
    deployment: Deployment, service: str
) -> tuple[list[ServiceContainer], list[ServiceContainer]]:
    """The containers which are as they should be now, and the others."""
    target = deployment.target
    settings = (await configuration(target))["services"][service]
    image = await image_id(target, images.reference_of(deployment, service, settings))
    wanted = (image, await config_hash(target, service))
    found = await containers(target, images.project(deployment), [service])
    new = [each for each in found if (each.image, each.config_hash) == wanted]
    return new, [each for each in found if each not in new]


async def _remove(deployment: Deployment, these: list[ServiceContainer]) -> None:
    """Stops containers, each within the time that it has for that, and removes them."""
    if not these:
        return
    ids = [each.id for each in these]
    await docker(deployment.target, "stop", *ids, timeout=_STOPPING)
    await docker(deployment.target, "rm", "--force", *ids)
    there = await containers(deployment.target, images.project(deployment))
    if left := {each.id for each in there} & {*ids}:
        raise Failed(f"{len(left)} old containers could not be removed.")
