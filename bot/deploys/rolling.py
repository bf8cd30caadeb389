"""Replaces a service's containers without a moment in which none answers.

New containers are started beside the old ones, and these are stopped once the new ones are
healthy and known: Docker's name server tells whoever asks (a proxy before the service) of both.
What was cut off is done again from what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from bot.deploys import images
from bot.deploys.containers import ServiceContainer, containers, docker
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

IsOld = Callable[[ServiceContainer], bool]
"""Says of a container of the service whether it is to be replaced."""

_STOPPING = timedelta(minutes=5)


async def roll(
    deployment: Deployment,
    context: StepContext,
    service: str,
    number: int,
    is_old: IsOld,
    *,
    prove: bool,
) -> None:
    """Replaces the containers of one service that are old by this number of new ones, as the files
    and images say now.

    Raises Failed where `prove` is set and the new ones do not get healthy: the old ones run on
    then, and what was started beside them is removed.
    """
    found = await _containers(deployment, service)
    await _remove(deployment, [each for each in found if not each.running])
    old = [each for each in found if each.running and is_old(each)]
    new = [each for each in found if each.running and not is_old(each)]
    if len(new) < number:
        await _start(deployment, context, service, len(old) + number)
    try:
        if prove:
            await _healthy(deployment, context, service, {each.id for each in old})
    except BaseException:
        there = {each.id for each in (*old, *new)}
        started = [each for each in await _containers(deployment, service) if each.id not in there]
        if old:
            await asyncio.shield(_remove(deployment, started))
        raise
    await asyncio.sleep(KNOWN_AFTER if old else 0)
    await _remove(deployment, old)


async def _start(deployment: Deployment, context: StepContext, service: str, number: int) -> None:
    # With --no-deps, Compose would take the container for another one the next time.
    options = ("--detach", "--no-build", "--no-recreate")
    argv = deployment.target.compose("up", *options, "--scale", f"{service}={number}", service)
    await run_command(deployment.target, context, argv, name="docker compose up")


async def _healthy(
    deployment: Deployment, context: StepContext, service: str, old: set[str]
) -> None:
    """Waits until all but these containers are healthy, or have run for a while where they have no
    check."""
    clock = asyncio.get_running_loop().time
    began, limit = clock(), within(deployment).total_seconds()
    while True:
        found = [
            each
            for each in await deployment.target.health([service])
            if not any(one.startswith(each.begun.partition(" ")[0] or "-") for one in old)
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


async def _containers(deployment: Deployment, service: str) -> list[ServiceContainer]:
    return await containers(deployment.target, images.project(deployment), [service])


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
