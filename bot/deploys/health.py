"""Whether the application is well: its containers, and its health URL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.config.targets import ComposeTarget
from bot.deploys.deployment import CHECK, KEEP, Deployment, Result
from bot.errors import Failed
from bot.operations.model import StepContext
from bot.runbooks.kinds_wait import ANY_2XX, Containers, ask
from bot.words import duration

LOOK_EVERY = 1.0
CONTAINERS_WITHIN = timedelta(minutes=2)
"""How long containers may take to get healthy where no health URL says it."""

SETTLED_WITHIN = timedelta(seconds=6)
"""How long it is looked whether what should be healthy already is."""

_CLOSED = 503


@dataclass
class Look:
    """Looks at one deployment's health; `url` says whether the URL counts. Remembers from look to
    look which containers have stayed up."""

    deployment: Deployment
    url: bool = True

    def __post_init__(self) -> None:
        target = self.deployment.target
        self._containers = Containers(target, tuple(self.deployment.services))

    async def __call__(self) -> tuple[bool, str]:
        """Whether all is well, and what was seen."""
        said = []
        if isinstance(self.deployment.settings, ComposeTarget):
            well, seen = await self._containers.look()
            if not well:
                return False, seen
            said.append(seen)
        health = self.deployment.settings.health
        if health and self.url:
            well, seen = await ask(health.url, ANY_2XX)
            if not well:
                return False, seen
            said.append(seen)
        return True, ", ".join(said) or "no health is configured"


async def is_healthy(deployment: Deployment) -> bool:
    """Whether all is well at this moment, or within the time in which it settles."""
    try:
        await proven(Look(deployment), SETTLED_WITHIN)
    except Failed:
        return False
    return True


async def is_hidden(deployment: Deployment) -> bool:
    """Whether the maintenance page stands before the health URL: it was well, and is closed now."""
    health = deployment.settings.health
    if health is None or not deployment.result(CHECK).get("healthy"):
        return False
    return (await ask(health.url, _CLOSED))[0]


async def proven(look: Look, within: timedelta, context: StepContext | None = None) -> str:
    """Looks until all is well; what was seen, and after how long. Raises Failed at the limit."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while True:
        well, seen = await look()
        first, _, more = seen.partition("\n")
        waited = duration(clock() - began)
        if well:
            return f"{first}, after {waited}"
        if context:
            await context.progress(first)
        if clock() >= began + within.total_seconds():
            raise Failed(f"Not healthy after {waited}: {first.rstrip('.')}.", output=more)
        await asyncio.sleep(LOOK_EVERY)


def within(deployment: Deployment) -> timedelta:
    """How long the application may take to get healthy."""
    health = deployment.settings.health
    return health.within if health else CONTAINERS_WITHIN


async def healthy(deployment: Deployment, context: StepContext) -> Result:
    """Waits until all is well. While it is closed for maintenance, a URL that is closed too does
    not count; the step after maintenance proves it then."""
    closed = bool(context.step.planned.arguments["closed"])
    hidden = closed and bool(deployment.result(KEEP).get("hidden"))
    note = await proven(Look(deployment, url=not hidden), within(deployment), context)
    return {"note": note}


async def healthy_by_now(deployment: Deployment, context: StepContext) -> Result | None:
    """Whether it is well now."""
    closed = bool(context.step.planned.arguments["closed"])
    hidden = closed and bool(deployment.result(KEEP).get("hidden"))
    return {"note": await proven(Look(deployment, url=not hidden), SETTLED_WITHIN, context)}
