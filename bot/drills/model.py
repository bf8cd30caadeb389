"""What a drill finds out, as values: rows, migrations, and whose fault a failure is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.operations.model import StepContext
from bot.targets.model import DatabasePlace, Target
from bot.words import count, join

NAMED = 3
"""How many of several things are named."""

_SLACK = timedelta(hours=1)
"""Clocks differ, and a migration that runs while a backup begins may be on either side of it."""

# What PostgreSQL says where the place gave way, not the set.
_PLACE = re.compile(
    r"No space left|could not extend file|could not write|[Oo]ut of memory|out of shared memory"
    r"|permission denied|must be (?:owner|superuser|a member|able)|server closed the connection"
    # A scratch server has the image's extensions, not those that are mounted into production's.
    r"|must be (?:loaded via|preloaded)|can only create extension in database"
    r"|could not open extension control file|extension .* is not available|could not access file"
    r"|connection to server|terminating connection|the database system is|too many clients"
    r"|remaining connection slots|could not resize shared memory|Disk quota exceeded"
    # Ended from outside: pg_restore says so itself, other tools are killed by the signal.
    r"|terminated by user|canceling statement"
    r"|ended with exit status (?:-\d+|12[89]|1[3-9]\d|2\d\d)\b"
)

# What restic says of data that is altered or lost in a repository that it can open and read.
_STORE = re.compile(
    r"ciphertext verification failed|invalid data returned|hash (?:does not match|mismatch)"
    r"|not found in (?:the )?(?:index|repository)|blob .* (?:not found|is missing)|wrong hash",
    re.IGNORECASE,
)


class Loaded(Protocol):
    """A database that was restored: the rows of its tables, by their names as SQL writes them."""

    @property
    def tables(self) -> Mapping[str, int]:
        """table → rows."""
        ...


class Load(Protocol):
    """Restores the database part of a set."""

    async def __call__(
        self, target: Target, place: DatabasePlace, directory: Path, mark: str, context: StepContext
    ) -> Loaded:
        """Restores what the set in `directory` holds into the empty database at `place`, the roles
        first. Its processes and sessions bear the mark. Raises Failed and Unavailable."""
        ...


@dataclass(frozen=True)
class Migration:
    """A row of Django's table of migrations."""

    app: str
    name: str
    applied: datetime

    @property
    def label(self) -> str:
        """As Django's commands name it."""
        return f"{self.app}.{self.name}"


def wrong_rows(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """The tables that did not come back as the manifest has them, each in words."""
    wrong = [
        f"{table} has {found[table]:,} rows instead of {rows:,}".replace(
            ",", "\N{NARROW NO-BREAK SPACE}"
        )
        if table in found
        else f"{table} is missing"
        for table, rows in sorted(expected.items())
        if found.get(table) != rows
    ]
    more = sorted(found.keys() - expected.keys())
    return wrong + [f"{table} is not in the manifest" for table in more]


def migrations_told(
    ours: Sequence[Migration], live: Sequence[Migration] | None, taken: datetime
) -> tuple[str, str]:
    """How the migrations in a set that was `taken` then compare with production's: a note, and a
    warning, "" where all is as time explains it. `live` is None where production was not asked.

    Those that production has got since are usual: after a restore they are applied again. What
    only the set has, or lacks although production had it by then, is not.
    """
    if live is None:
        return f"{count(len(ours), 'migration')}, production's not known", ""
    theirs = {one.label: one for one in live}
    only_ours = sorted({one.label for one in ours} - theirs.keys())
    missing = sorted(theirs.keys() - {one.label for one in ours})
    lost = [label for label in missing if theirs[label].applied < taken - _SLACK]
    since = len(missing) - len(lost)
    note = f"{count(len(ours), 'migration')}, "
    note += f"{since} applied in production since" if since else "as in production"
    told = []
    if only_ours:
        note = f"{count(len(ours), 'migration')}"
        told.append(f"production does not have {_named(only_ours)}")
    if lost:
        note = f"{count(len(ours), 'migration')}"
        told.append(f"the backup lacks {_named(lost)}")
    return note, " and ".join(told)


def blames_the_place(output: str) -> bool:
    """Whether a restore failed for a reason that says nothing about the set."""
    return bool(_PLACE.search(output))


def blames_the_store(output: str) -> bool:
    """Whether a store that answers has said that it does not have the whole set any more."""
    return bool(_STORE.search(output)) and not _PLACE.search(output)


def several(lines: Sequence[str]) -> str:
    """The first few of some findings, and how many more there are."""
    more = len(lines) - NAMED
    return "; ".join([*lines[:NAMED], *([f"{more} more"] if more > 0 else [])])


def _named(labels: Sequence[str]) -> str:
    more = len(labels) - NAMED
    return join([*labels[:NAMED], *([f"{more} more"] if more > 0 else [])])
