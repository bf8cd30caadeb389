"""One look of the doctor's: within a time limit, its errors told as findings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from bot.doctor.model import Finding, unseen, wrong
from bot.errors import OpsbellError
from bot.os_user import me
from bot.words import duration

LOOK_LIMIT = 12.0
"""Seconds that one look may take."""


async def looked(area: str, subject: str, look: Awaitable[list[Finding]]) -> list[Finding]:
    """What a look finds; an error or the end of its time is the one finding then."""
    try:
        async with asyncio.timeout(LOOK_LIMIT):
            return await look
    except TimeoutError:
        return [unseen(area, subject, f"No answer within {duration(LOOK_LIMIT)}.")]
    except OpsbellError as error:
        return [wrong(area, subject, error.message, error.hint)]
    except OSError as error:
        says = f"{error.filename or 'It'} cannot be looked at: {error.strerror}."
        return [wrong(area, subject, says, f"Give {me()} the right to look there.")]
