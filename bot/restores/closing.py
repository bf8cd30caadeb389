"""The application is closed for the moment of a swap, as far as that can be."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator

from bot.errors import OpsbellError
from bot.restores.running import Restore
from bot.words import Sign

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def in_maintenance(restore: Restore, reason: str) -> AsyncIterator[list[str]]:
    """Has the target in maintenance inside the block, as far as that can be; what to know of it
    once it is over.

    The swap itself lets nobody in at a wrong moment: that the application's page cannot say what
    is going on is no reason to leave the data unrestored, or to swap them back.
    """
    told: list[str] = []
    try:
        await restore.maintenance.hold(restore.target.name, restore.operation.id, reason)
    except OpsbellError as error:
        told.append(f"{Sign.WARNING} it was not in maintenance: {error.message}")
    try:
        yield told
    finally:
        await release(restore, told)


async def release(restore: Restore, told: list[str]) -> None:
    """Ends the maintenance that this restore has begun, if it has; what to know of that."""
    try:
        if ended := await restore.maintenance.release(restore.target.name, restore.operation.id):
            told.append(ended)
    except OpsbellError as error:
        logger.warning("maintenance not ended", extra={"error": str(error)})
        told.append(f"{Sign.WARNING} maintenance was not ended: {error.message}")
