"""GrandVPS's directory: its settings, the pictures people sent, and the log of its last days."""

from __future__ import annotations

import hashlib
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo.credentials import PASSWORD, SECRET_KEY
from bot.demo.place import write_private
from bot.words import utc_now

LOG = Path("logs/app.log")
DOCUMENTS, PICTURES = 240, 60
HISTORY = timedelta(days=3)
_LINE_EVERY = timedelta(seconds=40)
_ERROR_EVERY = 700  # lines, which is three a day
_LINES = (
    "INFO grandvps.access: GET / 200 {took} ms",
    "INFO grandvps.billing: payment of user {number} booked",
    "INFO grandvps.accounts: user {number} signed in",
    "INFO grandvps.provision: server {number} answers on port 22",
    "WARNING grandvps.accounts: failed login for user {number}",
)


def write_settings(site: Path, database_url: str) -> None:
    """Writes .env.production."""
    write_private(
        site / ".env.production",
        "# GrandVPS's settings. Opsbell backs them up, and never shows what is secret in them.\n"
        f"SECRET_KEY={SECRET_KEY}\n"
        f"DB_PASSWORD={PASSWORD}\n"
        f"DATABASE_URL={database_url}\n"
        "ALLOWED_HOSTS=127.0.0.1\n",
    )


def write_media(site: Path) -> None:
    """Writes what people have uploaded, where it is not there yet."""
    media = site / "media"
    if (media / "complete").exists():
        return
    for number in range(DOCUMENTS):
        _write(media / "invoices" / f"invoice-{number:04}.txt", _invoice(number))
    for number in range(PICTURES):
        _write(media / "avatars" / f"user-{number:03}.png", _picture(number))
    (media / "complete").touch()


def write_log(site: Path) -> None:
    """Brings the log up to now: the lines of the last days, as far as they are not there."""
    log, now = site / LOG, utc_now()
    since = now - HISTORY
    if log.exists():
        since = max(since, datetime.fromtimestamp(log.stat().st_mtime, UTC))
    log.parent.mkdir(exist_ok=True)
    with log.open("a") as file:
        while (since := since + _LINE_EVERY) < now:
            file.write(_log_line(since))


def _log_line(at: datetime) -> str:
    turn = int(at.timestamp() // _LINE_EVERY.total_seconds())
    number = 1 + turn * 7919 % 60_000
    text = _LINES[turn % len(_LINES)].format(number=number, took=4 + turn % 37)
    if turn % _ERROR_EVERY == 0:
        text = f"ERROR grandvps.provision: server {number} did not come up, trying again"
    return f"{stamp(at)} {text}\n"


def stamp(at: datetime) -> str:
    """A time as GrandVPS's log writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"


def _invoice(number: int) -> bytes:
    lines = [f"Invoice {10_000 + number}", "", "Virtual server, small, one month   9.99 EUR", ""]
    return ("\n".join(lines) * (1 + number % 9)).encode()


def _picture(number: int) -> bytes:
    """A PNG of 64 × 64: two colours in stripes, others for each number."""
    digest = hashlib.sha256(str(number).encode()).digest()
    colours = (digest[:3], digest[3:6])
    rows = b"".join(b"\0" + colours[row // (4 + number % 8) % 2] * 64 for row in range(64))
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
