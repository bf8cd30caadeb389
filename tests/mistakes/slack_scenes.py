"""Ways to make mistakes with Slack: in the environment, in the workspace, in the roles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.playground import LocalSlack
from tests.mistakes.table import Bench, Scene

Produce = Callable[[Bench], AbstractAsyncContextManager[Scene]]


def environment(changes: Mapping[str, str]) -> Produce:
    """Sound but for these variables; a `{}` in one stands for what is right there."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        bench.config()
        env = bench.env
        env |= {name: text.replace("{}", env.get(name, "")) for name, text in changes.items()}
        yield Scene(bench.directory, env)

    return produce


def slack_is(change: Callable[[LocalSlack], object], *parts: str) -> Produce:
    """The workspace or the app is changed; `parts` are YAML, added to the configuration."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        change(bench.slack)
        bench.config(*parts)
        yield Scene(bench.directory, bench.env)

    return produce


def as_it_is(slack: LocalSlack) -> None:
    """Nothing is changed in Slack."""


def roles(text: str, *parts: str, change: Callable[[LocalSlack], object] = as_it_is) -> Produce:
    """The operators are others than the sample's."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        change(bench.slack)
        file = bench.config(*parts)
        file.write_text(file.read_text().replace('operator: ["@ops"]', f"operator: {text}"))
        yield Scene(bench.directory, bench.env)

    return produce
