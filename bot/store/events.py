"""The log of events: who did what to what, when, and how it ended.

Each row carries an HMAC-SHA256 over its own contents and the row before it. The key lies in a
file outside the database, so whoever can write the database alone cannot rewrite history
without `verify` noticing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.errors import OpsbellError

# Any number will do, as long as nothing else in this database uses it as an advisory lock.
CHAIN_LOCK = 0x0B5BE11
GENESIS = b"\0" * 32
KEY_BYTES = 32


@dataclass(frozen=True)
class Event:
    """One line of history.

    `actor` is `slack:U…`, `os:NAME` or `opsbell` itself; `action` a dotted name such as
    `backup.requested`; `target` a target's name or ""; `subject` the stable key of the thing
    (`operation:7`, `checklist:daily:…`); `outcome` one of ok, refused, failed, noted.
    """

    actor: str
    action: str
    subject: str = ""
    target: str = ""
    outcome: str = "ok"
    detail: Mapping[str, Any] = field(default_factory=dict)


def load_key(path: Path) -> bytes:
    """The HMAC key in `path`; made whole, or not at all, at the first start (mode 0600).

    Replicas on one database share one key file. Raises OpsbellError for a file that is no key.
    """
    if not path.exists():
        _make_key(path)
    text = path.read_text()
    if not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise OpsbellError(
            f"{path} is not the key of the event log.",
            hint="Restore it from a backup: without it, the history so far cannot be verified.",
        )
    return bytes.fromhex(text)


def identity(key: bytes) -> str:
    """What no other Opsbell is called, made from its key, which it does not tell. Replicas share it
    with the key; directories of data may be called the same in two containers."""
    return hashlib.sha256(b"identity of an Opsbell\0" + key).hexdigest()[:16]


def _make_key(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    # A link, not a rename: of two processes that start at once, the second keeps the first's key.
    with contextlib.suppress(FileExistsError):
        os.link(name, path)
    Path(name).unlink()


class EventLog:
    """Appends to the log and proves it whole."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def append(
        self, connection: psycopg.AsyncConnection[DictRow], events: Sequence[Event]
    ) -> None:
        """Adds events at the end of the chain, in the connection's open transaction."""
        if not events:
            return
        await connection.execute("select pg_advisory_xact_lock(%s)", (CHAIN_LOCK,))
        cursor = await connection.execute("select id, mac from events order by id desc limit 1")
        last = await cursor.fetchone()
        number, mac = (last["id"], bytes(last["mac"])) if last else (0, GENESIS)
        at = datetime.now(UTC)
        for event in events:
            number += 1
            mac = self._mac(mac, number, at, event)
            await connection.execute(
                "insert into events (id, at, mac, actor, action, subject, target, outcome, detail)"
                " values (%(id)s, %(at)s, %(mac)s, %(actor)s, %(action)s, %(subject)s, %(target)s,"
                " %(outcome)s, %(detail)s)",
                {**asdict(event), "detail": Jsonb(dict(event.detail))}
                | {"id": number, "at": at, "mac": mac},
            )

    async def broken_at(self, rows: AsyncIterator[DictRow]) -> int | None:
        """The id of the first row, in order of id, that does not fit the chain; None if all do."""
        mac, expected = GENESIS, 1
        async for row in rows:
            event = Event(
                row["actor"],
                row["action"],
                row["subject"],
                row["target"],
                row["outcome"],
                row["detail"],
            )
            mac = self._mac(mac, expected, row["at"], event)
            if row["id"] != expected or not hmac.compare_digest(mac, bytes(row["mac"])):
                return int(row["id"])
            expected += 1
        return None

    def _mac(self, previous: bytes, number: int, at: datetime, event: Event) -> bytes:
        contents = {**asdict(event), "detail": dict(event.detail), "id": number}
        contents["at"] = at.astimezone(UTC).isoformat()
        body = json.dumps(contents, sort_keys=True, separators=(",", ":"))
        return hmac.digest(self._key, previous + body.encode(), hashlib.sha256)
