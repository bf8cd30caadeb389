"""The demo as tests look at it: from its page, its terminal and Opsbell's own parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from bot.checklists import store
from bot.checklists.model import Run
from bot.checks.model import Reading, State
from bot.core import Core
from bot.demo.demo import RunningDemo
from bot.playground.page import Lever
from tests.demo.conftest import START


@dataclass(frozen=True)
class House:
    """The demo, what it told the terminal, and Opsbell's own parts to look at the same things."""

    demo: RunningDemo
    told: list[str]
    core: Core

    async def read(self, check: str) -> Reading:
        return await self.core.checks.read(check)

    async def runs(self, name: str) -> list[Run]:
        async with self.core.database.transaction() as tx:
            return await store.latest(tx, name, 10)

    def lever(self, title: str) -> Lever:
        [lever] = [each for each in self.demo.levers if each.title == title]
        return lever

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.demo.sample.port}{path}")

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(START):
            while not holds():
                await asyncio.sleep(0.05)


async def pull(house: House, title: str, check: str) -> tuple[Reading, Reading]:
    """The check's readings while the lever is pulled, and after it was mended."""
    lever = house.lever(title)
    assert (await house.read(check)).state is State.OK
    assert not lever.is_broken()
    await lever.break_it()
    assert lever.is_broken()
    broken = await house.read(check)
    assert lever.mend is not None
    await lever.mend()
    assert not lever.is_broken()
    return broken, await house.read(check)
