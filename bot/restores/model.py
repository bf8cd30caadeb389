"""Restores as values: what is to be restored, and what one that went before has put aside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.errors import UsageError
from bot.restores.server import fitted

RUNBOOK = "restore"
UNDO_RUNBOOK = "restore-undo"
ACCESS = "restore"

SWAP, MOVE = "restore.swap", "restore.move"
"""The steps by which something is put aside."""

FILE = "file:"
"""Begins the words for a plain dump that lies beside the sets: `file:backup_file.sql`."""

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ +-]*\.sql")


class KeptState(StrEnum):
    """beside → kept → used by an undo (which may itself be undone), or removed when its time is up.

    What is beside was unpacked and was not in use yet: of a restore that did not finish it stays.
    """

    BESIDE = "beside"
    KEPT = "kept"
    USED = "used"
    REMOVED = "removed"


@dataclass(frozen=True)
class Kept:
    """One part that a restore has replaced or unpacked, as it lies aside until `until`.

    `place` says where: `database` and `oid` for a database, `files` for files.
    """

    id: int
    operation: int
    target: str
    part: str
    place: Mapping[str, Any]
    made_at: datetime
    until: datetime
    state: KeptState = KeptState.KEPT


@dataclass(frozen=True)
class Left:
    """What restores that did not finish have left: what lies `beside` until its time is up, why
    some of it `stays` even then (by its number), and the `commands` that remove what is known only
    by its name."""

    beside: tuple[Kept, ...] = ()
    stays: Mapping[int, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()


def incoming_name(database: str, stamp: str) -> str:
    """What a database is called while it is restored."""
    return fitted(database, f"_restoring_{stamp}")


def aside_name(database: str, stamp: str) -> str:
    """What the replaced database is called: `NAME_before_TIME`, where names hold 63 bytes."""
    return fitted(database, f"_before_{stamp}")


def undone_name(database: str, stamp: str) -> str:
    """What a restored database is called once its swap was taken back; it may hold new data."""
    return fitted(database, f"_undone_{stamp}")


def file_name(wanted: str) -> str | None:
    """The file that the words `file:NAME.sql` name; None for other words. Raises UsageError."""
    if not wanted.lower().startswith(FILE):
        return None
    name = wanted[len(FILE) :]
    if not _FILE_NAME.fullmatch(name):
        raise UsageError(
            f'"{name[:40]}" is no file that can be restored.',
            hint="Name a .sql file that lies beside the backups, without any directory.",
        )
    return name
