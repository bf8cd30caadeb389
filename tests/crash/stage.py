"""One run of a scenario: Opsbell, its database and its Slack, killed once and started again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row

from bot.playground import LocalSlack
from tests.crash.child import Order
from tests.crash.nursery import Nursery, Program
from tests.parts.house import slack_environment

LIMIT = 120.0
"""Seconds within which everything must be as promised after a kill."""

T = TypeVar("T")
Connection = psycopg.AsyncConnection[DictRow]


class Outcome(Protocol):
    """What a person sees of what they did."""

    @property
    def acked(self) -> bool: ...


class KilledError(Exception):
    """The program is gone; the scenario goes no further."""


@dataclass
class Stage:
    """What a scenario plays on. `application` is the name of the application's database, which is
    this stage's own; `acked` says of each thing asked for whether Slack was told."""

    directory: Path
    database_url: str
    application: str
    slack: LocalSlack
    nursery: Nursery
    connection: Connection
    config: Path
    acked: dict[str, bool] = field(default_factory=dict)
    program: Program | None = None

    @property
    def application_url(self) -> str:
        """How the application's database is reached."""
        return make_conninfo(self.database_url, dbname=self.application)

    @property
    def running(self) -> Program:
        """The program; there must be one."""
        assert self.program is not None
        return self.program

    async def start(self, *, journal: str = "", doom: str = "") -> None:
        """Starts Opsbell and returns once it is connected."""
        order = Order(
            arguments=("run", "--config", str(self.config)),
            directory=str(self.directory),
            environment=slack_environment(self.slack),
            output=str(self.directory / "output.log"),
            journal=str(self.directory / journal) if journal else "",
            doom=doom,
        )
        Path(order.output).write_text("")
        self.program = await self.nursery.start(order)
        await self.running.started()
        await self.slack.wait_connected(timeout=LIMIT)

    async def ask(self, name: str, doing: Awaitable[Outcome]) -> None:
        """Does what a person does, and keeps whether it was acknowledged."""
        self.acked[name] = (await doing).acked
        if self.running.ended.is_set():
            raise KilledError

    async def see(self, coming: Awaitable[T]) -> T:
        """Waits for what shall come. Raises KilledError once the program is gone."""
        waiting = asyncio.ensure_future(coming)
        ending = asyncio.ensure_future(self.running.ended.wait())
        try:
            await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise KilledError
            return waiting.result()
        finally:
            for task in (waiting, ending):
                task.cancel()
            await asyncio.wait({waiting, ending})

    async def quiet(self) -> float:
        """Returns once nothing is left to do, and the seconds that it took.

        Raises KilledError once the program is gone, AssertionError where it takes too long.
        """
        started = time.monotonic()
        while left := await self.unfinished():
            if self.running.ended.is_set():
                raise KilledError
            if time.monotonic() - started > LIMIT:
                raise AssertionError(f"not finished after {LIMIT:.0f} s: {left}")
            await asyncio.sleep(0.2)
        return time.monotonic() - started

    async def unfinished(self) -> list[str]:
        """What is still to be done, in words."""
        rows = await self.all(
            "select format('%s job %s of %s', status, task_name, args) as what"
            " from procrastinate_jobs where status in ('todo', 'doing')"
            " and (scheduled_at is null or scheduled_at < now())"
            " union all select 'open post ' || key from open_posts"
            " union all select 'open file of ' || key from post_files where state = 'open'"
            " union all select 'asked ' || key from inbox where done_at is null"
            " union all select format('operation %s is %s', id, state) from operations"
            " where state in ('queued', 'running')"
        )
        return [row["what"] for row in rows]

    async def all(self, query: str, *parameters: Any) -> list[DictRow]:
        """The rows of a query in Opsbell's database."""
        return await (await self.connection.execute(query.encode(), parameters or None)).fetchall()


@asynccontextmanager
async def open_stage(
    nursery: Nursery, directory: Path, database_url: str, application: str, config: Path
) -> AsyncIterator[Stage]:
    """A stage whose program is not started yet; killed at the end if it runs."""
    connecting = psycopg.AsyncConnection[DictRow].connect(
        database_url, autocommit=True, row_factory=dict_row
    )
    async with LocalSlack() as slack, await connecting as connection:
        stage = Stage(directory, database_url, application, slack, nursery, connection, config)
        try:
            yield stage
        finally:
            if stage.program is not None:
                await stage.program.kill()
