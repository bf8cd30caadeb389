"""The verbs of the audit: what happened, and whether the log of it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import DictRow

from bot.audit import store
from bot.audit.head import FILE, Head, HeadKeeper, read_head
from bot.store.database import Database

MOST = 10_000


@dataclass(frozen=True)
class Verdict:
    """What `verify` has found. `rows` are those that fit, from `since` on; `broken_at` is the
    first that does not, `cut` what is known to have been there and is not."""

    rows: int
    since: datetime | None
    broken_at: int | None = None
    cut: Head | None = None
    guarded: bool = True

    @property
    def whole(self) -> bool:
        """Whether nothing is missing or changed, as far as is known."""
        return self.broken_at is None and self.cut is None


class Audit:
    """Reads the log of events; `data` is the directory of its key."""

    def __init__(self, database: Database, data: Path) -> None:
        self._database = database
        self._head = data / FILE

    async def events(
        self,
        *,
        since: datetime | None = None,
        actor: str = "",
        target: str = "",
        limit: int = MOST,
        leaving_out: Sequence[str] = (),
    ) -> Sequence[DictRow]:
        """The newest events that fit, oldest first; without those of the actions left out."""
        async with self._database.transaction() as tx:
            return await store.last(
                tx,
                since=since,
                actor=actor,
                target=target,
                limit=limit,
                leaving_out=leaving_out,
            )

    async def verify(self) -> Verdict:
        """Goes through the whole log; where it is whole, its head is kept from now on.

        Raises OpsbellError where the file of its head is damaged.
        """
        # Before the rows: what is written meanwhile is in neither.
        head = await asyncio.to_thread(read_head, self._head)
        reading = _Reading(head)
        async with self._database.transaction() as tx:
            broken = await self._database.log.broken_at(reading.through(store.every_row(tx)))
        rows = reading.rows - 1 if broken is not None else reading.rows
        cut = head if broken is None and head and reading.mac_at_head != head.mac else None
        found = Verdict(rows, reading.since, broken, cut, guarded=head is not None)
        if found.whole:
            await HeadKeeper(self._database, self._head).keep()
        return found


class _Reading:
    """Notes what goes by."""

    def __init__(self, head: Head | None) -> None:
        self._head = head
        self.rows = 0
        self.since: datetime | None = None
        self.mac_at_head = ""

    async def through(self, rows: AsyncIterator[DictRow]) -> AsyncIterator[DictRow]:
        """The same rows."""
        async for row in rows:
            self.rows += 1
            self.since = self.since or row["at"]
            if self._head and row["id"] == self._head.id:
                self.mac_at_head = bytes(row["mac"]).hex()
            yield row
