"""How far the log of events had come, kept outside the database that it lies in.

A chain shows that none of its rows was changed or taken out, but not that its last ones are gone.
So the number and the MAC of a row near the end are written into a file beside the key, every minute
and when a process that used the log ends: whoever cuts the log shortens it below a row that is
known to have been there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from bot.audit import store
from bot.errors import OpsbellError
from bot.store.database import Database, patient
from bot.store.locks import lock_number
from bot.targets.waiting import to_the_end

logger = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
FILE = "audit.head"
_LOCK = lock_number(FILE)
_AT_THE_END = timedelta(seconds=2)
"""How long a process that ends waits for a database that is away."""
_MAC = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Head:
    """A row that the log held."""

    id: int
    mac: str
    at: datetime


def read_head(path: Path) -> Head | None:
    """What the file says; None where there is none yet. Raises OpsbellError for a damaged one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        head = Head(int(value["id"]), str(value["mac"]), datetime.fromisoformat(value["at"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise OpsbellError(f"{path} cannot be read: {error}.") from error
    if not _MAC.fullmatch(head.mac):
        raise OpsbellError(f"{path} does not say how far the event log had come.")
    return head


def write_head(path: Path, head: Head) -> None:
    """Puts the file in place whole, or not at all (mode 0600). Where root does it for somebody
    else, it belongs to the owner of the directory, who has to write it again."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if os.geteuid() == 0:
                owner = path.parent.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            json.dump({"id": head.id, "mac": head.mac, "at": head.at.isoformat()}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class HeadKeeper:
    """Writes the file as the log grows. Each replica and each command at the terminal may have one
    of its own."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path

    async def run(self) -> None:
        """Keeps it up to date until cancelled. What fails is logged and tried again."""
        told = False
        while True:
            missing = await self._try()
            if missing and not told:
                logger.error("the event log was cut or rewritten", extra={"event": missing.id})
                told = True
            await asyncio.sleep(INTERVAL.total_seconds())

    @contextlib.asynccontextmanager
    async def at_the_end(self) -> AsyncIterator[None]:
        """Brings it up to date when the block ends, however that is. What fails is logged."""
        try:
            yield
        finally:
            with patient(_AT_THE_END):
                await self._try()

    async def keep(self) -> Head | None:
        """Moves the head on to the newest row; never back: where the row that it names is not
        there any more, the file stays as the proof of it, and that head is returned.

        Raises OpsbellError, OSError and psycopg.Error.
        """
        async with self._database.transaction() as tx:
            # One at a time, from the look at the file until it is written: an older row that is
            # written late would take the place of a newer one.
            await tx.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            known = await asyncio.to_thread(read_head, self._path)
            if known and await store.mac_of(tx, known.id) != known.mac:
                return known
            newest = await store.newest(tx)
            if newest and (known is None or newest[0] > known.id):
                await to_the_end(asyncio.to_thread(write_head, self._path, Head(*newest)))
            return None

    async def _try(self) -> Head | None:
        try:
            return await self.keep()
        except (OpsbellError, OSError, psycopg.Error) as error:
            logger.warning("audit head not kept", extra={"error": str(error)})
            return None
