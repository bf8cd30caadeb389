"""What the page's panel breaks on purpose, and how it is mended. All of it is the sample's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg

from bot.cancelling import end
from bot.demo.ageing import OldBackups
from bot.demo.children import Child
from bot.demo.files import LOG, stamp
from bot.playground import LocalSlack
from bot.playground.page import Lever
from bot.words import utc_now

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
        return self._away is not None and not self._away.done()

    async def begin(self) -> None:
        """Takes it away; it comes back by itself."""
        if not self.broken:
            await self._slack.go_away()
            self._away = asyncio.create_task(self._come_back(), name="Slack comes back")

    async def close(self) -> None:
        """Waits for nothing any more."""
        if self._away is not None:
            await end([self._away])

    async def _come_back(self) -> None:
        await asyncio.sleep(self._span.total_seconds())
        await self._slack.come_back()


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


@contextlib.asynccontextmanager
async def levers(
    database_url: str, site: Path, store: Path, web: Child, slack: LocalSlack
) -> AsyncIterator[tuple[Lever, ...]]:
    """The levers, for as long as there is something to break."""
    payments, errors, stopped = FailedPayments(database_url), ErrorsInLog(site), StoppedWeb(web)
    backups, away = OldBackups(store), SlackAway(slack)
    await payments.look()
    try:
        yield (
            Lever(
                "Fail payments",
                f"Lets {FAILED_PAYMENTS} card payments of the last three hours fail.",
                payments.begin,
                lambda: payments.broken,
                payments.mend,
            ),
            Lever(
                "Fill the log with errors",
                f"Writes {ERRORS} errors of the last minutes into GrandVPS's log.",
                errors.begin,
                lambda: errors.broken,
                errors.mend,
            ),
            Lever(
                "Stop the web process",
                "GrandVPS answers nobody until it is started again.",
                stopped.begin,
                lambda: stopped.broken,
                stopped.mend,
            ),
            Lever(
                "Let the backups age",
                "Makes every backup there is three days older.",
                backups.begin,
                lambda: backups.broken,
                backups.mend,
            ),
            Lever(
                "Take Slack away",
                "Cuts Opsbell off for a minute. What happens meanwhile is told when Slack is back.",
                away.begin,
                lambda: away.broken,
            ),
        )
    finally:
        await away.close()
