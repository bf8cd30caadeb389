"""The target's own tools: what they say when they fail, reading them, and feeding them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path

from bot.backups.threads import in_thread
from bot.cancelling import end
from bot.errors import Failed, Unavailable
from bot.targets.model import Process, Target
from bot.targets.output import ERROR_TAIL
from bot.targets.text import text_of

LINES_SHOWN = 10
LINE_LENGTH = 400
BATCH = 1 << 20
_READ_SIZE = 1 << 20
SIGN_IN_HINT = "opsbell check says which setting to correct."

_TELLING = re.compile(r"\b(error|fatal|panic)\b", re.IGNORECASE)


def said(target: Target, error_tail: str) -> list[str]:
    """The lines of a tool's standard error, without secrets.

    Where the tail is full, its first line may be half a line, and half a secret is not known as
    one, so that line is left out.
    """
    whole = error_tail
    if len(error_tail.encode()) >= ERROR_TAIL:
        whole = error_tail.partition("\n")[2]
    lines = target.redact(whole).splitlines()
    return [line.strip()[:LINE_LENGTH] for line in lines if line.strip()]


def failure(target: Target, what: str, status: int, error_tail: str) -> Failed:
    """A tool that ended badly: its exit status, the line that says why, and the last lines."""
    lines = said(target, error_tail)
    why = next((line for line in lines if _TELLING.search(line)), lines[-1] if lines else "")
    sentence = f"{what} ended with exit status {status}{f': {why}' if why else ''}"
    hint = SIGN_IN_HINT if "connection to server" in why else ""
    return Failed(f"{sentence.rstrip('.')}.", hint=hint, output="\n".join(lines[-LINES_SHOWN:]))


async def write_out(
    chunks: AsyncIterator[bytes],
    write: Callable[[bytes], object],
    tell: Callable[[], Awaitable[None]],
) -> None:
    """Has a thread `write` all that comes, and comes back when it has: one piece while the next is
    on its way. `tell` is called once for each."""
    writing: asyncio.Task[object] | None = None
    try:
        async for batch in _batches(chunks):
            if writing:
                await writing
            writing = asyncio.create_task(in_thread(write, batch))
            await tell()
        if writing:
            await writing
    finally:
        if writing:
            await end([writing])


@contextlib.asynccontextmanager
async def fed(process: Process, path: Path | None) -> AsyncIterator[None]:
    """Sends a file to a process inside the block, for as long as the process reads. Raises OSError
    at the block's end where the file could not be read: the process has then got a part of it."""
    feeding = asyncio.create_task(_feed(process, path)) if path else None
    try:
        yield
    finally:
        if feeding:
            feeding.cancel()
            await asyncio.wait({feeding})
    if feeding and not feeding.cancelled():
        feeding.result()


async def _feed(process: Process, path: Path) -> None:
    try:
        with await in_thread(path.open, "rb") as file:
            while data := await in_thread(file.read, _READ_SIZE):
                await process.write(data)
        await process.end_input()
    except Unavailable:
        return  # it has ended: its exit status says how
    except OSError:
        await process.end_input()  # it would wait for the rest for ever
        raise


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same in pieces of a mebibyte and little more: an Engine gives many small ones."""
    batch = bytearray()
    async for chunk in chunks:
        batch += chunk
        if len(batch) >= BATCH:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


async def lines_of(process: Process) -> AsyncGenerator[str, None]:
    """Standard output line by line, without line ends; what follows the last one is dropped."""
    rest = b""
    async for chunk in process.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield text_of(line)
