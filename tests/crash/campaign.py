"""A scenario again and again: once to list its external calls, then killed at each of them."""

import asyncio
import itertools
import random
import time
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.migrate import migrate
from tests.backups.sample import fill
from tests.crash.calls import TIME
from tests.crash.grandvps import GRANDVPS, fill_grandvps
from tests.crash.hooks import COMMIT, STATEMENT
from tests.crash.nursery import Nursery
from tests.crash.promises import check_all
from tests.crash.scenarios import Scenario
from tests.crash.stage import KilledError, Stage, open_stage
from tests.parts.house import write_config
from tests.parts.postgres import PostgresServer

JOURNAL = "journal"
BOUND = (f"{COMMIT} bot.operations.engine.", f"{COMMIT} bot.operations.runner.")
# How often a call is made varies with what goes on beside it: updates are coalesced, the clock
# looks at what is due when it is time. A kill whose call was not made is tried again.
TRIES = 3

PROBLEMS = (AssertionError, KilledError, LookupError, OSError, ValueError, psycopg.Error)


@dataclass(frozen=True)
class Sample:
    """Which kills a run takes, always the same for one seed.

    Calls inside transactions have a share of their own: a kill there undoes the transaction, so
    many of them lead to one and the same state. What the engine commits are the bounds of steps,
    of which `bounds` says whether all are taken. `random` more kills come at any time.
    """

    seed: int
    inside: float
    outside: float = 1
    bounds: bool = False
    random: int = 0

    def times(self, seconds: float) -> list[str]:
        """The moments at any time of a run that takes so long undisturbed."""
        chance = random.Random(self.seed)  # noqa: S311 - a sample, not a secret
        return [f"{TIME}{chance.uniform(0, seconds):.3f}" for _ in range(self.random)]

    def takes(self, moment: str) -> bool:
        """Whether a moment is in the sample."""
        if self.bounds and moment.startswith(BOUND):
            return True
        share = self.inside if moment.startswith(STATEMENT) else self.outside
        return zlib.crc32(f"{self.seed} {moment}".encode()) < share * 2**32


@dataclass(frozen=True)
class Result:
    """What became of one kill. `seconds` is from the kill until all was as promised."""

    moment: str
    was_reached: bool
    seconds: float
    problem: str


@dataclass(frozen=True)
class Report:
    """All kills of a scenario; `points` are the calls that were listed."""

    scenario: str
    points: int
    results: Sequence[Result]
    seconds: float

    def __str__(self) -> str:
        reached = [result for result in self.results if result.was_reached]
        slowest = max((result.seconds for result in reached), default=0)
        kills = f"{len(self.results)} kills in {self.seconds:.0f} s"
        lines = [
            f"{self.scenario}: {self.points} calls, {kills}",
            f"  {len(reached)} reached, slowest recovery {slowest:.1f} s",
        ]
        lines += [f"  not reached: {r.moment}" for r in self.results if not r.was_reached]
        lines += [f"  BROKEN {r.moment}: {r.problem}" for r in self.results if r.problem]
        return "\n".join(lines)


class Campaign:
    """Runs of scenarios, each on databases of its own that are copies of prepared ones."""

    def __init__(self, nursery: Nursery, server: PostgresServer, directory: Path) -> None:
        self._nursery, self._server, self._directory = nursery, server, directory
        self._numbers = itertools.count(1)

    async def run(self, scenario: Scenario, sample: Sample) -> Report:
        """Kills before and after every call of a scenario that is in the sample."""
        started = time.monotonic()
        points, took = await self.list_points(scenario)
        moments = [f"{point}:{side}" for point in points for side in ("before", "after")]
        results: dict[str, Result] = {}
        left = [each for each in moments if sample.takes(each)] + sample.times(took)
        for _ in range(TRIES):
            results |= {result.moment: result for result in await self.kill_at(scenario, left)}
            left = [
                each for each in left if not results[each].was_reached and not results[each].problem
            ]
        return Report(
            scenario.name, len(points), list(results.values()), time.monotonic() - started
        )

    async def list_points(self, scenario: Scenario) -> tuple[list[str], float]:
        """The external calls of a run that nothing disturbs, and the seconds that it takes; its
        promises are checked too."""
        async with self._stage(scenario) as stage:
            took = await _play(scenario, stage, doom="")
            # What people are told privately follows the work; it is told by tasks, not jobs.
            await asyncio.sleep(1)
            journal = stage.running.journal
            await check_all(stage)
            await scenario.check(stage)
        return [line for line in journal if line != "armed"], took

    async def kill_at(self, scenario: Scenario, moments: Sequence[str]) -> list[Result]:
        """Runs of the scenario, one for each moment."""
        beside = asyncio.Semaphore(scenario.at_once)

        async def one(moment: str) -> Result:
            async with beside:
                return await self._kill_at(scenario, moment)

        return await asyncio.gather(*map(one, moments))

    async def _kill_at(self, scenario: Scenario, moment: str) -> Result:
        async with self._stage(scenario) as stage:
            was_reached, seconds, problem = False, 0.0, ""
            try:
                await _play(scenario, stage, doom=moment)
                was_reached = f"killed {moment}" in stage.running.journal
                killed_at = time.monotonic()
                await stage.running.kill()
                await stage.start()
                await stage.quiet()
                seconds = time.monotonic() - killed_at
                await check_all(stage)
                await scenario.check(stage)
            except PROBLEMS as error:
                problem = f"{type(error).__name__}: {error}\n{stage.running.output}"
            return Result(moment, was_reached, seconds, problem)

    @asynccontextmanager
    async def _stage(self, scenario: Scenario) -> AsyncIterator[Stage]:
        number = next(self._numbers)
        directory = self._directory / f"{number}"
        directory.mkdir(mode=0o755)
        own, application = f"crash_{number}", f"crash_{number}_app"
        await asyncio.to_thread(self._copy, "crash_own", own)
        await asyncio.to_thread(self._copy, scenario.template, application)
        try:
            url, application_url = self._server.url(own), self._server.url(application)
            config = write_config(directory, url, scenario.config(directory, application_url))
            async with (
                scenario.around(directory, application_url),
                open_stage(self._nursery, directory, url, application, config) as stage,
            ):
                yield stage
        finally:
            for name in (own, *await asyncio.to_thread(self._named, application)):
                await asyncio.to_thread(self._drop, name)

    def _named(self, application: str) -> list[str]:
        """The application's database, and those that restores have left beside it."""
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            rows = connection.execute(
                "select datname from pg_database where starts_with(datname, %s)", (application,)
            )
            return [str(name) for (name,) in rows]

    def _copy(self, template: str, name: str) -> None:
        copy = sql.SQL("create database {} template {} strategy file_copy")
        self._server.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        drop = sql.SQL("drop database if exists {} with (force)")
        self._server.execute(drop.format(sql.Identifier(name)))


async def _play(scenario: Scenario, stage: Stage, *, doom: str) -> float:
    """Returns when the scenario is over or the program is dead; the seconds since it was armed."""
    await stage.start(journal=JOURNAL, doom=doom)
    await scenario.prepare(stage)
    await stage.quiet()
    await stage.running.arm()
    stage.acked.clear()
    began = time.monotonic()
    try:
        await scenario.play(stage)
        await stage.quiet()
        await asyncio.sleep(0.5 if doom else 0)
    except KilledError:
        assert doom, f"it ended by itself: {stage.running.output}"
    return time.monotonic() - began


@contextmanager
def templates(server: PostgresServer) -> Iterator[None]:
    """The databases that runs copy: Opsbell's own, migrated, and an application's, filled."""
    names = ("crash_own", "crash_application", GRANDVPS)
    for name in names:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        asyncio.run(_migrate(server.url("crash_own")))
        fill(server.url("crash_application"))
        fill_grandvps(server.url(GRANDVPS))
        yield
    finally:
        for name in names:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


async def _migrate(url: str) -> None:
    async with Database(url, EventLog(b"unused"), size=2) as database:
        await migrate(database)
