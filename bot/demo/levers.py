"""What the page's panel breaks on purpose, and how it is mended. All of it is the sample's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import psycopg

from bot.cancelling import end
from bot.demo.ageing import OldBackups
from bot.demo.children import Child
from bot.demo.files import LOG, stamp
from bot.playground import LocalSlack
from bot.playground.page import Lever
from bot.words import utc_now

logger = logging.getLogger(__name__)

FAILED_PAYMENTS, ERRORS = 45, 80
AWAY = timedelta(minutes=1)
_OUTAGE = "outage-"
_MARK = "ERROR grandvps.checkout: payment gateway does not answer (outage)"


class FailedPayments:
    """Payments that failed within the last hours, marked so that they can be told apart."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.broken = False

    async def look(self) -> None:
        """Learns how it stands: the last demo may have ended in the midst of it."""
        query = "select exists (select from payments where gateway_reference like %s)"
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            row = await (await connection.execute(query, (f"{_OUTAGE}%",))).fetchone()
        self.broken = bool(row and row[0])

    async def begin(self) -> None:
        """Lets them fail."""
        await self._execute(
            "insert into payments"
            " (user_id, amount, method, status, gateway_reference, failure_reason, created_at)"
            " select n * 37, 9.99, 'card', 'failed', %s || n, 'gateway_timeout',"
            " now() - n * interval '4 minutes' from generate_series(1, %s) as n",
            (_OUTAGE, FAILED_PAYMENTS),
        )
        self.broken = True

    async def mend(self) -> None:
        """Takes them out again."""
        await self._execute(
            "delete from payments where gateway_reference like %s", (f"{_OUTAGE}%",)
        )
        self.broken = False

    async def _execute(self, query: str, values: tuple[object, ...]) -> None:
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            await connection.execute(query, values)


class ErrorsInLog:
    """Lines of errors in GrandVPS's log."""

    def __init__(self, site: Path) -> None:
        self._log = site / LOG
        self.broken = self._log.exists() and _MARK in self._log.read_text(errors="replace")

    async def begin(self) -> None:
        """Writes them."""
        now = utc_now()
        times = (now - timedelta(seconds=5 * number) for number in reversed(range(ERRORS)))
        with self._log.open("a") as log:
            log.writelines(f"{stamp(at)} {_MARK}\n" for at in times)
        self.broken = True

    async def mend(self) -> None:
        """Takes them out. The file stays the same one, since the web process writes to it."""
        with self._log.open("r+", errors="surrogateescape") as log:
            kept = [line for line in log if _MARK not in line]
            log.seek(0)
            log.writelines(kept)
            log.truncate()
        self.broken = False


class SlackAway:
    """The local Slack, unreachable for a while."""

    def __init__(self, slack: LocalSlack, span: timedelta = AWAY) -> None:
        self._slack = slack
        self._span = span
        self._away: asyncio.Task[None] | None = None

    @property
    def broken(self) -> bool:
        """Whether it is away now."""
        return self._slack.is_away

    async def begin(self) -> None:
        """Takes it away; it comes back by itself."""
        await self._slack.go_away()
        self._away = asyncio.create_task(self._come_back(), name="Slack comes back")

    async def close(self) -> None:
        """Waits for nothing any more."""
        if self._away is not None:
            await end([self._away])

    async def _come_back(self) -> None:
        await asyncio.sleep(self._span.total_seconds())
        while self._slack.is_away:
            try:
                await self._slack.come_back()
            except OSError as error:  # of the machine: what it lacks now it may have in a moment
                logger.warning("Slack does not come back: %s", error)
                await asyncio.sleep(1)


class StoppedWeb:
    """GrandVPS's web process, stopped."""

    def __init__(self, web: Child) -> None:
        self._web = web

    @property
    def broken(self) -> bool:
        """Whether it is meant to be down."""
        return not self._web.wanted

    async def begin(self) -> None:
        """Stops it."""
        await self._web.stop()

    async def mend(self) -> None:
        """Starts it."""
        self._web.start()


class Breakable(Protocol):
    """Something to break on purpose; what `begin` raises is told."""

    @property
    def broken(self) -> bool: ...

    async def begin(self) -> None: ...


def lever(
    title: str, about: str, thing: Breakable, mend: Callable[[], Awaitable[None]] | None = None
) -> Lever:
    """The lever of a thing. However many hands are on it, it moves once: each waits for the one
    before, and leaves alone what is as it wants it."""
    moving = asyncio.Lock()

    async def break_once() -> None:
        async with moving:
            if not thing.broken:
                await thing.begin()

    async def mend_once() -> None:
        async with moving:
            if thing.broken and mend is not None:
                await mend()

    return Lever(title, about, break_once, lambda: thing.broken, mend and mend_once)


@contextlib.asynccontextmanager
async def levers(
    database_url: str, site: Path, store: Path, web: Child, slack: LocalSlack
) -> AsyncIterator[tuple[Lever, ...]]:
    """The levers, for as long as there is something to break."""
    payments, errors, stopped = FailedPayments(database_url), ErrorsInLog(site), StoppedWeb(web)
    backups, away = OldBackups(store), SlackAway(slack)
    await payments.look()
    lost = f"Lets {FAILED_PAYMENTS} card payments of the last three hours fail."
    noise = f"Writes {ERRORS} errors of the last minutes into GrandVPS's log."
    down = "GrandVPS answers nobody until it is started again."
    old = "Makes every backup there is three days older."
    cut = "Cuts Opsbell off for a minute. What happens meanwhile is told when Slack is back."
    try:
        yield (
            lever("Fail payments", lost, payments, payments.mend),
            lever("Fill the log with errors", noise, errors, errors.mend),
            lever("Stop the web process", down, stopped, stopped.mend),
            lever("Let the backups age", old, backups, backups.mend),
            lever("Take Slack away", cut, away),
        )
    finally:
        await away.close()
