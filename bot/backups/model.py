"""A backup set as values: its name, its manifest, what it holds, how it compares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from bot import words
from bot.backups.verdicts import Verdict

DATABASE = "database"
CONFIG = "config"
ARCHIVE = ".tar.zst"
MANIFEST = "manifest.json"
GUIDE = "RESTORE.md"
DUMP = "database.dump"
GLOBALS = "globals.sql"

MUCH_SMALLER = 0.6
"""A database of this share of the one before, or less, is a warning."""

_WAY_BACK = re.compile(r"before (?:restore in )?([\w.-]+ #\d+)")
"""The reason of a set that an operation takes before it changes anything."""

_NAME = re.compile(r"(\d{8}T\d{6}Z)(?:-([2-9]|[1-9]\d+))?")


def set_names(started: datetime) -> Iterator[str]:
    """The names for a set begun at a moment: `20261122T020000Z`, then with `-2`, `-3`, …"""
    name = started.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def name_order(name: str) -> tuple[str, int] | None:
    """What sets are sorted by; None for what is no set's name."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2] or 1)) if match else None


def free_name(started: datetime, taken: Iterable[str]) -> str:
    """The name for a set begun at a moment. It sorts after all of the `taken` names that begin in
    the same second, though some of those sets may be removed already: else it would count as old.
    """
    there = [order for name in taken if (order := name_order(name))]

    def sorts_last(name: str) -> bool:
        order = name_order(name)
        return order is not None and all(order > one for one in there if one[0] == order[0])

    return next(filter(sorts_last, set_names(started)))


def part_of(path: str) -> str | None:
    """The part that a file of a set belongs to: `database`, `config`, or a name of files."""
    first = PurePosixPath(path).parts[0]
    if first in (DUMP, DATABASE):
        return DATABASE
    return first.removesuffix(ARCHIVE) if first.endswith(ARCHIVE) else None


def _inside(path: str) -> str:
    if path != str(PurePosixPath(path)) or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("a path that leads out of the set")
    return path


class _Value(BaseModel):
    # Keys that a later version may have added are let pass.
    model_config = ConfigDict(frozen=True, extra="ignore")


class SetFile(_Value):
    """One file of a set; `path` is relative to the set, `size` in bytes."""

    path: Annotated[str, Field(min_length=1), AfterValidator(_inside)]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(_Value):
    """manifest.json: a set exists when its manifest does, and the manifest is written last.

    `tables` are the rows of each table, by its name as SQL writes it, counted in the snapshot
    that the dump was taken from. `files` are all files of the set but the manifest itself.
    `revision` is the git revision of the target's directory, None where it is no repository.
    """

    id: str
    target: str
    started: AwareDatetime
    finished: AwareDatetime
    reason: str
    by: str
    tool_versions: Mapping[str, str]
    revision: str | None
    tables: Mapping[str, Annotated[int, Field(ge=0)]]
    files: tuple[SetFile, ...]

    @property
    def parts(self) -> frozenset[str]:
        """What the set holds: `database`, `config`, names of files."""
        return frozenset(part for file in self.files if (part := part_of(file.path)))

    @property
    def way_back_from(self) -> str:
        """The operation that has taken it before it changed anything: `deploy #12`; "" for none."""
        match = _WAY_BACK.fullmatch(self.reason)
        return match[1] if match else ""

    @property
    def ordered_parts(self) -> list[str]:
        """The same as people read it: the database first, the configuration last."""
        return sorted(self.parts, key=_part_order)

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(file.size for file in self.files)

    def part_size(self, part: str) -> int:
        """The bytes of one part; 0 where it is not in the set."""
        return sum(file.size for file in self.files if part_of(file.path) == part)


@dataclass(frozen=True)
class BackupSet:
    """A set as it was found. `trouble` says why it cannot be trusted, "" where it can.

    `path` is its directory, None for a set in a restic repository; `snapshots` are that set's
    snapshots there. `verdict` is what its newest restore drill has found, None without one.
    """

    id: str
    path: Path | None
    manifest: Manifest | None
    trouble: str = ""
    snapshots: tuple[str, ...] = ()
    verdict: Verdict | None = None

    @property
    def good(self) -> Manifest | None:
        """The manifest of a set that can be trusted."""
        return None if self.trouble else self.manifest

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.path) if self.path else f"restic snapshot {self.snapshots[0][:8]}"


@dataclass(frozen=True)
class Comparison:
    """The size of one part against the newest earlier set that holds it."""

    part: str
    size: int
    previous: int | None = None
    previous_started: datetime | None = None

    @property
    def suspicious(self) -> bool:
        """Whether a database has shrunk so much that data may be missing."""
        return (
            self.part == DATABASE
            and self.previous is not None
            and self.size <= self.previous * MUCH_SMALLER
        )

    def sentence(self, zone: ZoneInfo, now: datetime) -> str:
        """`database 1.2 GB, 3 % more than on 21 Nov`."""
        said = f"{self.part} {words.size(self.size)}"
        if not self.previous or self.previous_started is None:
            return said
        change = round((self.size / self.previous - 1) * 100)
        how = (
            f"{abs(change)} % {'more' if change > 0 else 'less'} than" if change else "the same as"
        )
        then = self.previous_started.astimezone(zone)
        today = then.date() == now.astimezone(zone).date()
        return f"{said}, {how} {f'at {then:%H:%M %Z}' if today else f'on {then:%-d %b}'}"


def compare(manifest: Manifest, earlier: list[Manifest]) -> list[Comparison]:
    """Each part of a set against the newest of the `earlier` ones (newest first) that holds it."""
    found = []
    for part in manifest.ordered_parts:
        before = next((m for m in earlier if part in m.parts), None)
        previous = before.part_size(part) if before else None
        found.append(
            Comparison(part, manifest.part_size(part), previous, before.started if before else None)
        )
    return found


def _part_order(part: str) -> tuple[int, str]:
    return ({DATABASE: 0, CONFIG: 2}.get(part, 1), part)
