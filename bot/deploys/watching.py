"""The watch after a deploy: health, and errors in the logs that were not there before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from bot import words
from bot.checks.matching import matching
from bot.config.targets import HostTarget
from bot.deploys.deployment import SWITCH, Deployment, Result
from bot.deploys.health import Look, hides, is_healthy
from bot.errors import Failed, OpsbellError
from bot.operations.model import Operation, StepContext
from bot.words import utc_now

LOOK_EVERY = 5.0
LOST_AFTER = 3
"""Looks in a row that have to find it ill: one may meet a hiccup."""

BEFORE = timedelta(hours=1)
"""How far back errors are looked for that are nothing new."""

SHOWN = 5
_SHAPES = 2000
_VARYING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+", re.IGNORECASE)

Alarm = Callable[[Operation, Sequence[str]], Awaitable[None]]
"""Tells people of errors since a deploy: the first lines, redacted."""


class Watch:
    """Watches one deploy after another; `alarm` is called once for a deploy, at the first error."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm

    async def run(self, deployment: Deployment, context: StepContext) -> Result:
        """Watches for the step's `seconds`. Raises Failed where health is lost; errors alarm, and
        people decide: what a new release logs may be harmless."""
        seconds = float(context.step.planned.arguments["seconds"])
        clock = asyncio.get_running_loop().time
        began, lost, look = clock(), 0, Look(deployment, hides(deployment, closed=False))
        errors = NewErrors(deployment, _switched(deployment))
        await errors.learn()
        while True:
            well, seen = await look()
            lost = 0 if well else lost + 1
            if lost >= LOST_AFTER:
                first, _, more = seen.partition("\n")
                raise Failed(f"It was healthy and no longer is: {first.rstrip('.')}.", output=more)
            if await errors.look():
                await self._alarm(context.operation, errors.shown)
            if (passed := clock() - began) >= seconds:
                break
            await context.progress(errors.told(passed), passed / seconds)
            await asyncio.sleep(min(LOOK_EVERY, seconds - passed))
        return {"note": errors.told(seconds), "errors": errors.count, "lines": errors.shown}


class NewErrors:
    """The errors in the logs of a deployment's services since a moment that are of a kind which
    was not there in the hour before."""

    def __init__(self, deployment: Deployment, since: datetime) -> None:
        self.count = 0
        self.shown: list[str] = []
        self._deployment = deployment
        self._start = since
        # Logs often name the second alone, so what was seen of the last one is remembered.
        self._seen = dict.fromkeys(logged(deployment), (since, 0))
        self._known: set[str] = set()
        self._trouble = ""

    async def learn(self) -> None:
        """Remembers what is nothing new."""
        for service in self._seen:
            async for at, text in self._errors(service, self._start - BEFORE):
                if at < self._start and len(self._known) < _SHAPES:
                    self._known.add(shape(text))

    async def look(self) -> bool:
        """Reads on; whether this found the first one."""
        before = self.count
        for service, (since, known) in list(self._seen.items()):
            at_that_time = 0
            async for at, text in self._errors(service, since):
                at_that_time += at == since
                if at == since and at_that_time <= known:
                    continue
                last, number = self._seen[service]
                if at >= last:
                    self._seen[service] = (at, number + 1 if at == last else 1)
                self._count(service, text)
        return bool(self.count and not before)

    def _count(self, service: str, text: str) -> None:
        if shape(text) in self._known:
            return
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(f"{service}: {self._deployment.target.redact(text)[:300]}")

    def told(self, seconds: float) -> str:
        """What was found so far."""
        span = words.duration(seconds)
        if self.count:
            sign = words.Sign.WARNING
            return f"{sign} {words.count(self.count, 'new error')} in the logs in {span}"
        return f"healthy for {span}" + (
            f", {self._trouble}" if self._trouble else ", no new errors"
        )

    async def _errors(self, service: str, since: datetime) -> AsyncIterator[tuple[datetime, str]]:
        try:
            lines = self._deployment.target.logs(service, since)
            async for line in matching(lines, self._deployment.choices.errors):
                yield line.at, line.text
        except OpsbellError as error:
            # What cannot be read is said; health is watched all the same.
            self._trouble = f"logs not read: {error.message}"


def _switched(deployment: Deployment) -> datetime:
    """When the new revision was started, to the second."""
    times = [s.started for s in deployment.operation.steps if s.planned.kind == SWITCH]
    return ((times[0] if times else None) or utc_now()).replace(microsecond=0)


def shape(text: str) -> str:
    """What two lines about the same trouble have in common: without numbers and times."""
    return _VARYING.sub("#", text)[:500]


def logged(deployment: Deployment) -> Sequence[str]:
    """The services whose logs are watched."""
    if isinstance(deployment.settings, HostTarget):
        return [name for name, each in deployment.settings.services.items() if each.logs]
    return list(dict.fromkeys([deployment.choices.service, *deployment.services]))


async def watched(deployment: Deployment, context: StepContext) -> Result | None:
    """A watch that was cut off is over; what counts is that all is well now."""
    look = Look(deployment, hides(deployment, closed=False))
    if not await is_healthy(look):
        return None
    told = "cut off before its end" + ("; healthy now" if look.proves else "")
    return {"note": told, "errors": 0, "lines": []}
