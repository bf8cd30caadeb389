"""The inbox: what was asked for is committed here, with its job, before it is acknowledged.

One statement on a connection of its own takes in everything that waits, so the time of one
commit is all that an acknowledgement costs, and a burst shares few commits.

Whoever was told "not taken" must be able to rely on it, though a statement may reach PostgreSQL
late or its answer may be lost. So each entry has a time (in PostgreSQL's clock) after which the
statement itself passes it over; and a job that starts in this process while its entry waits for
an answer settles the matter: taken if nothing was said yet, dropped if "not taken" was said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from bot.errors import Unavailable
from bot.store.database import Database, Transaction
from bot.store.inbox_line import LANE, Entry, InboxLine

logger = logging.getLogger(__name__)

TIME_LIMIT = timedelta(seconds=2)
# Two clicks on one button within this time were meant as one, in whichever order they are done.
DOUBLE_CLICK = timedelta(seconds=2)
# Slack delivers an event again for up to a day where "Delayed Events" is switched on.
KEPT = timedelta(days=3)
_BATCH = 500
_REMEMBERED = 10_000
_PAUSE = 0.05

_IS_DOUBLE = """
select exists (
    select from inbox as second join inbox as first using (twin)
    where second.key = %(key)s and first.key <> second.key and first.done_at is not null
    and first.received_at between second.received_at - %(within)s
        and second.received_at + %(within)s
) as double
"""


class NotTaken(Unavailable):
    """PostgreSQL did not commit the entry in time; it will not be acted on."""

    def __init__(
        self,
        why: str = "Opsbell's own database does not answer.",
        hint: str = "Nothing was taken. Try again in a minute.",
    ) -> None:
        super().__init__(why, hint=hint)


class Unfit(NotTaken):
    """The entry holds what PostgreSQL cannot keep, now or later."""

    def __init__(self) -> None:
        super().__init__("Opsbell cannot keep these characters.", "Nothing was taken. Retype it.")


@dataclass
class _Waiting:
    entry: Entry
    until: datetime
    refusal: asyncio.Future[NotTaken | None]

    def settle(self, refusal: NotTaken | None = None) -> None:
        """Answers, unless that was done before."""
        if not self.refusal.done():
            self.refusal.set_result(refusal)


class Inbox:
    """Takes entries in. `run` is entered once per process."""

    def __init__(self, database: Database, *, limit: timedelta = TIME_LIMIT) -> None:
        self._database = database
        self._limit = limit
        self._waiting: dict[str, _Waiting] = {}
        self._sent: dict[str, _Waiting] = {}
        self._refused: OrderedDict[str, None] = OrderedDict()
        self._arrived = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._line = InboxLine(database.url)
        self._reached = True

    async def take(self, entry: Entry) -> None:
        """Returns once the entry is committed, now or earlier.

        Raises NotTaken after the time limit; the entry is then never acted on.
        """
        waiting = self._waiting.get(entry.key) or self._sent.get(entry.key)
        if waiting is None or waiting.refusal.done():
            refusal = asyncio.get_running_loop().create_future()
            waiting = _Waiting(entry, datetime.now(UTC) + self._limit, refusal)
            self._refused.pop(entry.key, None)
            self._waiting[entry.key] = waiting
            self._quiet.clear()
            self._arrived.set()
        await asyncio.wait({waiting.refusal}, timeout=self._limit.total_seconds())
        if not waiting.refusal.done():
            self._refuse(waiting, NotTaken())
        if refused := waiting.refusal.result():
            raise refused

    async def claim(self, tx: Transaction, entry: Entry) -> bool:
        """Marks the entry done in the transaction that acts on it; False: not to be acted on."""
        if entry.key in self._refused:
            # Gone as if it had never come, so that a repetition is taken as new.
            await tx.execute("delete from inbox where key = %s", (entry.key,))
            return False
        if sent := self._sent.get(entry.key):
            sent.settle()
        claimed = await tx.execute(
            "update inbox set done_at = now() where key = %s and done_at is null", (entry.key,)
        )
        if not claimed or not entry.twin:
            return claimed > 0
        twin = await tx.one(_IS_DOUBLE, {"key": entry.key, "within": DOUBLE_CLICK})
        return not twin["double"]

    async def forget_address(self, key: str) -> None:
        """Takes from the job of a request that fails for good the address of its answer.

        For half an hour, whoever has a response_url may speak there; failed jobs are kept longer.
        """
        await self._database.execute(
            "update procrastinate_jobs set args = jsonb_set(args, '{request,response_url}', '\"\"')"
            " where queue_name = %s and args->'request'->>'key' = %s",
            (LANE.value, key),
        )

    async def quiet(self) -> None:
        """Returns when no acknowledgement waits for its commit."""
        await self._quiet.wait()

    async def forget_old(self) -> int:
        """Deletes what was dealt with and cannot be delivered again any more; how many."""
        return await self._database.execute(
            "delete from inbox where received_at < now() - %s and done_at is not null", (KEPT,)
        )

    async def run(self) -> None:
        """Commits what arrives until cancelled."""
        try:
            while True:
                await self._arrived.wait()
                for key in list(self._waiting)[:_BATCH]:
                    self._sent[key] = self._waiting.pop(key)
                await self._commit(list(self._sent.values()))
                self._sent.clear()
                if not self._waiting:
                    self._arrived.clear()
                    self._quiet.set()
        finally:
            await self._line.close()

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Sends the batch until it is answered for or its time is up.

        Sending it again over a new connection is safe: what was committed, though the answer was
        lost, is not taken in twice.
        """
        while batch := [each for each in batch if not each.refusal.done()]:
            try:
                until = max(each.until for each in batch)
                entries = [(each.entry, each.until) for each in batch]
                taken = await self._line.take(entries, until)
            except (psycopg.DataError, UnicodeError) as error:
                await self._commit_singly(batch, error)
                return
            except (psycopg.Error, OSError) as error:
                if self._reached:
                    logger.warning("inbox not reached", extra={"error": str(error).strip()})
                self._reached = False
                await self._line.close()
                await asyncio.sleep(_PAUSE)
                now = datetime.now(UTC)
                late = [each for each in batch if each.until <= now]
            else:
                self._reached = True
                late = [each for each in batch if each.entry.key not in taken]
                for each in batch:
                    if each.entry.key in taken:
                        each.settle()
            for each in late:
                self._refuse(each, NotTaken())

    async def _commit_singly(self, batch: list[_Waiting], error: Exception) -> None:
        """Finds the entry that PostgreSQL cannot keep, so that it is refused alone."""
        if len(batch) == 1:
            logger.error("unfit entry", extra={"key": batch[0].entry.key, "error": str(error)})
            self._refuse(batch[0], Unfit())
            return
        for each in batch:
            await self._commit([each])

    def _refuse(self, waiting: _Waiting, refusal: NotTaken) -> None:
        if waiting.refusal.done():
            return
        self._waiting.pop(waiting.entry.key, None)
        self._refused[waiting.entry.key] = None
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        waiting.settle(refusal)
