"""How a target stands now: by what visitors meet, and by what is on record."""

from __future__ import annotations

from dataclasses import dataclass

from bot.config import targets as configured
from bot.errors import OpsbellError
from bot.maintenance import store
from bot.maintenance.file import MaintenanceFile
from bot.maintenance.model import Window
from bot.maintenance.notice import Notice
from bot.maintenance.proof import OFF, ON, Proof, look
from bot.store.database import Database


@dataclass(frozen=True)
class Standing:
    """What a target's file says (None: it is not there), what is on record, and what the page
    answers (None where no URL is configured). `trouble` is why the file could not be looked at, ""
    where it could."""

    target: str
    file: Notice | None
    trouble: str
    window: Window | None
    scheduled: tuple[Window, ...]
    proof: Proof | None


async def standing_of(
    target: str, settings: configured.Target, reader: MaintenanceFile, database: Database
) -> Standing:
    """Looks at the file, the record and the page. Never raises for what it looks at."""
    file, trouble = None, ""
    try:
        file = await reader.read()
    except OpsbellError as error:
        trouble = str(error)
    async with database.transaction() as tx:
        window = await store.lock_active(tx, target)
        coming = tuple(await store.scheduled(tx, target))
    closed = window is not None if trouble else file is not None
    where = settings.maintenance
    proof = await look(where.url, ON if closed else OFF) if where and where.url else None
    return Standing(target, file, trouble, window, coming, proof)
