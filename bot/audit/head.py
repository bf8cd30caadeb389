"""How far the log of events had come, kept outside the database that it lies in.

A chain shows that none of its rows was changed or taken out, but not that its last ones are gone.
So the number and the MAC of a row near the end are written, every minute, into a file beside the
key: whoever cuts the log shortens it below a row that is known to have been there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from bot.audit import store
from bot.errors import OpsbellError
from bot.store.database import Database

logger = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
FILE = "audit.head"
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
    """Puts the file in place whole, or not at all (mode 0600)."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"id": head.id, "mac": head.mac, "at": head.at.isoformat()}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class HeadKeeper:
    """Writes the file as the log grows. Each replica may have one of its own; two that share a
    file write what is true either way."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path
        self._told = False

    async def run(self) -> None:
        """Keeps it up to date until cancelled. What fails is logged and tried again."""
        while True:
            try:
                await self.keep()
            except (OpsbellError, OSError, psycopg.Error) as error:
                logger.warning("audit head not kept", extra={"error": str(error)})
            await asyncio.sleep(INTERVAL.total_seconds())

    async def keep(self) -> None:
        """Moves the head on to the newest row; never back: where the row that it names is not
        there any more, the file stays as the proof of it."""
        known = await asyncio.to_thread(read_head, self._path)
        async with self._database.transaction() as tx:
            newest = await store.newest(tx)
            seen = await store.mac_of(tx, known.id) if known else None
        if known and seen != known.mac:
            if not self._told:
                logger.error("the event log was cut or rewritten", extra={"event": known.id})
            self._told = True
        elif newest and (known is None or newest[0] > known.id):
            await asyncio.to_thread(write_head, self._path, Head(*newest))
