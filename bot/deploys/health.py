"""Whether the application is well: its containers, and its health URL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.config.targets import ComposeTarget
from bot.deploys.deployment import CHECK, KEEP, Deployment, Result
from bot.errors import Failed, OpsbellError
from bot.maintenance.file import maintenance_file
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
    """Looks at one deployment's health. Where the maintenance page has `hidden` the URL, what the
    page answers tells nothing, and is no fault. Remembers from look to look which containers have
    stayed up."""

    deployment: Deployment
    hidden: bool = False

    def __post_init__(self) -> None:
        target = self.deployment.target
        self._containers = Containers(target, tuple(self.deployment.services))

    @property
    def proves(self) -> bool:
        """Whether there is anything that tells whether it is well."""
        settings = self.deployment.settings
        return isinstance(settings, ComposeTarget) or bool(settings.health and not self.hidden)

    async def __call__(self) -> tuple[bool, str]:
        """Whether all is well, and what was seen."""
        said = []
        if isinstance(self.deployment.settings, ComposeTarget):
            well, seen = await self._containers.look()
            if not well:
                return False, seen
            said.append(seen)
        health = self.deployment.settings.health
        if health and not (self.hidden and await _is_closed(health.url)):
            well, seen = await ask(health.url, ANY_2XX)
            if not well:
                return False, seen
            said.append(seen)
        elif health:
            said.append(f"{health.url} is behind the maintenance page")
        return True, ", ".join(said) or "no health is configured"


async def is_healthy(look: Look) -> bool:
    """Whether all is well at this moment, or within the time in which it settles."""
    try:
        await proven(look, SETTLED_WITHIN)
    except Failed:
        return False
    return True


async def was_hidden(deployment: Deployment) -> bool:
    """Whether somebody has the target in maintenance now, with the page before the health URL.

    Then it stays there to the end of the operation: whoever turned it on ends it.
    """
    health, settings = deployment.settings.health, deployment.settings
    if health is None or settings.maintenance is None:
        return False
    try:
        there = await maintenance_file(deployment.target, settings).read()
    except OpsbellError:
        # A container that is down keeps nobody from deploying what brings it up.
        return False
    return there is not None and await _is_closed(health.url)


async def is_hidden(deployment: Deployment) -> bool:
    """Whether the maintenance page stands before the health URL: it was well, and is closed now."""
    health = deployment.settings.health
    if health is None or not deployment.result(CHECK).get("healthy"):
        return False
    return await _is_closed(health.url)


async def _is_closed(url: str) -> bool:
    return (await ask(url, _CLOSED))[0]


def hides(deployment: Deployment, *, closed: bool) -> bool:
    """Whether the page is known to hide the health URL: from before the operation on, or while it
    is `closed` by the operation itself."""
    before = bool(deployment.result(CHECK).get("hidden"))
    return before or (closed and bool(deployment.result(KEEP).get("hidden")))


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
    hidden = hides(deployment, closed=bool(context.step.planned.arguments["closed"]))
    return {"note": await proven(Look(deployment, hidden), within(deployment), context)}


async def healthy_by_now(deployment: Deployment, context: StepContext) -> Result | None:
    """Whether it is well now."""
    hidden = hides(deployment, closed=bool(context.step.planned.arguments["closed"]))
    return {"note": await proven(Look(deployment, hidden), SETTLED_WITHIN, context)}
