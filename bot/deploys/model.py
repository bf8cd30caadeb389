"""What a deploy knows of revisions and migrations: values and pure decisions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.errors import UsageError

SHORT = 10
"""Digits of a commit's ID that people are shown."""

_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@#-]{0,199}")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Commit:
    """One commit, for people."""

    id: str
    author: str
    subject: str


@dataclass(frozen=True)
class Change:
    """A file that differs between two commits: `A` added, `M` modified, `D` deleted, …"""

    status: str
    path: str
    is_submodule: bool = False

    @property
    def is_migration(self) -> bool:
        """Whether it is one of Django's migrations, or of their kind."""
        path = PurePosixPath(self.path)
        wanted = path.suffix in (".py", ".sql") and path.stem != "__init__"
        return wanted and "migrations" in path.parent.parts


@dataclass(frozen=True)
class Difference:
    """What lies between the commit that runs and another one.

    `commits` are the newest of the `total` that come, `lost` are those that would go: none where
    the other one builds upon what runs.
    """

    commits: tuple[Commit, ...]
    total: int
    lost: tuple[Commit, ...]
    changes: tuple[Change, ...]

    @property
    def migrations(self) -> tuple[Change, ...]:
        """The migrations among the changes."""
        return tuple(change for change in self.changes if change.is_migration)

    @property
    def added(self) -> tuple[str, ...]:
        """The paths that are there afterwards and were not before."""
        return tuple(change.path for change in self.changes if change.status == "A")


@dataclass(frozen=True)
class Migration:
    """A migration that a database has had, as Django's table names it."""

    app: str
    name: str

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"


def first_of(these: Sequence[object]) -> str:
    """The first five for people, and whether there are more."""
    return ", ".join(map(str, these[:5])) + (" …" if len(these) > 5 else "")


def short(commit: str) -> str:
    """A commit as people are shown it."""
    return commit[:SHORT]


def checked_ref(text: str) -> str:
    """A ref as it was typed. Raises UsageError for what can be none, options above all."""
    if not _REF.fullmatch(text) or ".." in text or "//" in text or "@{" in text:
        raise UsageError(
            f'"{text[:40]}" is no branch, tag or commit.',
            hint="A name such as main or v1.2.0, or a commit's ID.",
        )
    return text


def may_be_commit(text: str) -> bool:
    """Whether it can be the beginning of a commit ID."""
    return bool(_ABBREVIATED.fullmatch(text))


def applied_since(before: Iterable[Migration], now: Sequence[Migration]) -> tuple[Migration, ...]:
    """The migrations that a database has had since, in their order."""
    had = {*before}
    return tuple(migration for migration in now if migration not in had)


def reversal(before: Sequence[Migration], now: Sequence[Migration]) -> tuple[Migration, ...]:
    """To which migration each app has to go back, the one migrated last first; the name is `zero`
    for an app that had none before."""
    last = {migration.app: migration for migration in before}
    apps = dict.fromkeys(migration.app for migration in reversed(applied_since(before, now)))
    return tuple(last.get(app, Migration(app, "zero")) for app in apps)
