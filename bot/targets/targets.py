"""All targets of the configuration, opened once and closed together."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from bot.config import Settings
from bot.config import targets as configured
from bot.errors import NotFound, Refused
from bot.targets.compose import ComposeTarget
from bot.targets.engine import Engine
from bot.targets.host import HostTarget
from bot.targets.model import Target
from bot.targets.redaction import LiveRedactor
from bot.targets.scratch import ScratchServer


class Targets:
    """The targets by name; an async context manager that closes what it opened.

    Opening needs nothing to be up: what cannot be reached says so when it is used. `owner` is what
    no other Opsbell is called: what is made for a while on a target bears it.
    """

    def __init__(self, settings: Settings, *, owner: str = "") -> None:
        self._settings = settings
        self.owner = owner
        self._targets: dict[str, Target] = {}
        self._scratch: dict[str, ScratchServer] = {}
        self._redactor = self.redactor()
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        engine = Engine()
        self._opened.push_async_callback(engine.close)
        hosts: list[HostTarget] = []
        for name, settings in self._settings.targets.items():
            match settings:
                case configured.ComposeTarget():
                    compose = ComposeTarget(name, settings, self._redactor, engine)
                    self._targets[name] = compose
                    scratch = ScratchServer(compose, settings, self._redactor, engine, self.owner)
                    self._scratch[name] = scratch
                case configured.HostTarget():
                    host = HostTarget(name, settings, self._redactor)
                    hosts.append(host)
                    self._targets[name] = host
        await asyncio.gather(*(host.open() for host in hosts))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._targets.clear()
        self._scratch.clear()
        await self._opened.aclose()

    def names(self) -> tuple[str, ...]:
        """The names of all targets, as the configuration orders them."""
        return tuple(self._settings.targets)

    def get(self, name: str) -> Target:
        """The target of that name. Raises NotFound where there is none, and Refused for one in
        Docker Swarm, which this version does not operate yet."""
        if name in self._targets:
            return self._targets[name]
        if name in self._settings.targets:
            raise Refused(
                f"{name} runs in Docker Swarm, which Opsbell does not operate yet.",
                hint="Targets of runtime compose and host work.",
            )
        raise NotFound(
            f"There is no target called {name}.", hint=f"There are {', '.join(self.names())}."
        )

    def scratch(self, name: str) -> ScratchServer | None:
        """The scratch server of a target whose database runs in a container; None for others."""
        return self._scratch.get(name)

    def redactor(self, extra: Iterable[str] = ()) -> LiveRedactor:
        """Hides what the configuration keeps secret, what the environment files of all targets do
        as they are now, and `extra`. May be used before the targets are opened."""
        known = [secret.reveal() for secret in self._settings.secrets()]
        return LiveRedactor(self._settings.targets, [*known, *extra])
