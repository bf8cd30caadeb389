"""Steps that wait until something is so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx

from bot.checks.http import cause_of
from bot.config.settings import Settings
from bot.config.targets import ComposeTarget
from bot.errors import Failed, OpsbellError, Refused
from bot.operations.model import StepContext, StepKind
from bot.runbooks.undoing import run_undo
from bot.targets.health import ContainerHealth, HealthState
from bot.targets.model import Target
from bot.targets.targets import Targets
from bot.words import duration, join

LOOK_EVERY = 1.0
SETTLED = 4.0
"""How long a container without a health check has to run without a restart to count as well."""

ANSWER_LIMIT = 10.0
ANY_2XX = "2xx"

_READ_AT_MOST = 1024 * 1024

Look = Callable[[], Awaitable[tuple[bool, str]]]
"""Whether it is so, and what was seen: one line, and further ones."""


class Waiting:
    """What both kinds share: looking until it is so, for `within` seconds at most."""

    def __init__(self, targets: Targets, kinds: Mapping[str, StepKind]) -> None:
        self._targets = targets
        self._kinds = kinds

    def _look(self, context: StepContext) -> Look:
        raise NotImplementedError

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Waits; raises Failed with what was seen last."""
        return await self._wait(context, float(context.step.planned.arguments["within"]))

    async def undo(self, context: StepContext) -> None:
        """Looking has changed nothing."""
        await run_undo(self._kinds, context)

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Whether it is so by now."""
        try:
            return await self._wait(context, SETTLED + LOOK_EVERY)
        except OpsbellError:
            return None

    async def _wait(self, context: StepContext, within: float) -> Mapping[str, Any]:
        clock, look = asyncio.get_running_loop().time, self._look(context)
        target = self._targets.get(context.operation.plan.target)
        began = clock()
        while True:
            well, seen = await look()
            first, _, more = target.redact(seen).partition("\n")
            waited = duration(clock() - began)
            if well:
                return {"note": f"{first}, after {waited}"}
            await context.progress(first)
            if clock() >= began + within:
                raise Failed(f"Not so after {waited}: {first.rstrip('.')}.", output=more)
            await asyncio.sleep(LOOK_EVERY)


class Http(Waiting):
    """`http`, with the arguments `url`, `expect` (a status, or ANY_2XX), `contains`, `within`."""

    def _look(self, context: StepContext) -> Look:
        given = context.step.planned.arguments
        return lambda: ask(given["url"], given["expect"], given.get("contains") or "")


class WaitHealthy(Waiting):
    """`wait_healthy`, with the arguments `services` (all where empty) and `within`.

    A target without containers is healthy when its health URL answers 2xx.
    """

    def __init__(self, settings: Settings, targets: Targets, kinds: Mapping[str, StepKind]) -> None:
        super().__init__(targets, kinds)
        self._settings = settings

    def _look(self, context: StepContext) -> Look:
        name = context.operation.plan.target
        if isinstance(self._settings.target(name), ComposeTarget):
            services = context.step.planned.arguments.get("services", ())
            return Containers(self._targets.get(name), services).look
        url = health_url(self._settings, name)
        return lambda: ask(url, ANY_2XX)


class Containers:
    """Looks at the containers of services; knows from look to look which have stayed up."""

    def __init__(self, target: Target, services: Sequence[str]) -> None:
        self._target = target
        self._services = services
        self._since: dict[str, float] = {}

    async def look(self) -> tuple[bool, str]:
        """Whether all are well, and what is not."""
        found = await self._target.health(self._services)
        if not found:
            return False, f"{self._target.name} has no containers"
        troubles = [each for each in found if not self._is_well(each)]
        if not troubles:
            return True, f"{join(sorted({each.service for each in found}))} healthy"
        told = ", ".join(f"{each.service} {each.state}" for each in troubles)
        details = [f"{each.service}: {each.detail}" for each in troubles if each.detail]
        return False, self._target.redact("\n".join([told, *details]))

    def _is_well(self, each: ContainerHealth) -> bool:
        now = asyncio.get_running_loop().time()
        if each.state is HealthState.RUNNING:
            return now - self._since.setdefault(each.begun, now) >= SETTLED
        return each.state in (HealthState.HEALTHY, HealthState.FINISHED)


async def ask(url: str, expect: int | str, contains: str = "") -> tuple[bool, str]:
    """Whether a URL answers with a status (or any that says all is well: ANY_2XX) and a text.

    Redirects are not followed: what is expected may be one. Reads at most 1 MiB of the answer.
    """
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            status, body = await _get(url)
    except TimeoutError:
        return False, f"{url} does not answer within {duration(ANSWER_LIMIT)}"
    except httpx.TransportError as error:
        return False, f"{url} does not answer: {cause_of(error)}"
    if not (200 <= status < 300 if expect == ANY_2XX else status == expect):
        return False, f"{url} answered {status} instead of {expect}"
    if contains not in body:
        return False, f"{url} answered {status}, without “{contains}”"
    return True, f"{url} answered {status}"


async def _get(url: str) -> tuple[int, str]:
    # The time limit around it ends it; httpx's would be further ones for its parts.
    async with (
        httpx.AsyncClient(timeout=None) as client,  # noqa: S113
        client.stream("GET", url, headers={"User-Agent": "opsbell"}) as response,
    ):
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) >= _READ_AT_MOST:
                break
        return response.status_code, body.decode(response.encoding or "utf-8", errors="replace")


def health_url(settings: Settings, target: str) -> str:
    """The URL of a target's health. Raises Refused where none is configured."""
    health = settings.target(target).health
    if health is None:
        raise Refused(
            f"Whether {target} is healthy cannot be seen.",
            hint=f"Add targets.{target}.health.url to opsbell.yaml.",
        )
    return health.url
