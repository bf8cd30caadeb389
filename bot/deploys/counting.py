"""Which migrations of a revision a database is yet to have: Django's table against the files. Pure.

A file's app is the directory above its `migrations`, which is the app's label unless the
application says otherwise. Where the table knows no such label, it is the one whose migrations
include all that the revision which runs has in that directory, if there is just one such. A lone
`0001_initial` tells nothing there: every app has one, those of packages too. Of an app whose label
is not known, an earlier deploy tells: what it had and Django did not apply then is not installed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.deploys.model import Difference, Migration

_NOT_LOADED = ("_", "~")
"""What begins so in a package of migrations is none to Django (`MigrationLoader`)."""


_FIRST = "0001_initial"
"""What Django calls the first migration of every app."""


@dataclass(frozen=True)
class Pending:
    """The migrations that are still to be applied, as paths of files.

    `by_git` says why they were counted by the files that change instead of by what the database
    has had, "" where the database was asked.
    """

    paths: tuple[str, ...]
    by_git: str = ""

    @classmethod
    def of(cls, difference: Difference, why: str) -> Pending:
        """What changes between two commits, where the database cannot be asked."""
        return cls(tuple(change.path for change in difference.migrations), why)


@dataclass(frozen=True)
class Migrated:
    """What earlier deploys tell of migrations on which the table is silent, as commits, "" where
    there is none: `tried` is the last one of which Django has applied all that is installed, unless
    another state of the database was put in place since; `begun` the last one whose migrations
    began to be applied, however that ended."""

    tried: str = ""
    begun: str = ""


@dataclass(frozen=True)
class State:
    """How a database stands to the revision that runs: how many migrations it has had, the files of
    those that it has not, and those that a later revision has left. `why` it cannot be asked."""

    applied: int = 0
    missing: tuple[str, ...] = ()
    left: tuple[Migration, ...] = ()
    why: str = ""


def files_of(paths: Iterable[str]) -> list[str]:
    """The files that are migrations by themselves. SQL beside Python is read by the latter."""
    found = [path for path in map(PurePosixPath, paths) if _is_migration(path)]
    in_python = {path.parent for path in found if path.suffix == ".py"}
    return [str(path) for path in found if path.suffix == ".py" or path.parent not in in_python]


def to_apply(
    files: Sequence[str],
    before: Sequence[str],
    applied: Sequence[Migration],
    added: Collection[str] = (),
    tried: Collection[str] = (),
) -> tuple[str, ...]:
    """The files whose migrations a database has not had. `before` are those of the revision that
    runs; where a directory's label is not known, those are that were `added` since, or that no
    deploy has `tried` to apply."""
    if not applied:
        return tuple(files)
    labels, had = _labels([*before, *files], before, applied), {*applied}

    def is_open(path: str) -> bool:
        label = labels.get(_directory(path))
        if label is None:
            return path in added or path not in tried
        return _named(label, path) not in had

    return tuple(path for path in files if is_open(path))


def beyond(
    files: Sequence[str], applied: Sequence[Migration], later: Sequence[str] = ()
) -> tuple[Migration, ...]:
    """What a database has had after the last migration of each app that a revision has: it ran
    with a later one. What is older and has no file was squashed. Apps that only a `later` revision
    has are known by its files."""
    labels = _labels(files, files, applied)
    gone = {*_labels(later, later, applied).values()} - {*labels.values()}
    known = {_named(labels[_directory(path)], path) for path in files if _directory(path) in labels}
    last = {each.app: at for at, each in enumerate(applied) if each in known}
    return tuple(
        each
        for at, each in enumerate(applied)
        if each.app in gone or (each.app in last and at > last[each.app])
    )


def holding(
    revisions: Mapping[str, Sequence[str]],
    wanted: Sequence[Migration],
    applied: Sequence[Migration],
) -> tuple[str, tuple[Migration, ...]]:
    """The first of the revisions (commit → its files) that has all of the migrations; else "" and
    those which the best of them lacks.

    What is of no app that any of them has, such as Django's own, comes with the packages.
    """
    theirs = {
        commit: _held(files, _labels(files, files, applied)) for commit, files in revisions.items()
    }
    own = {label for held in theirs.values() for label, _ in held}
    asked = [each for each in wanted if each.app in own or _is_in(each, theirs.values())]
    lacking = {
        commit: tuple(each for each in asked if not _is_in(each, [held]))
        for commit, held in theirs.items()
    }
    best = min(lacking, key=lambda commit: len(lacking[commit]))
    return ("", lacking[best]) if lacking[best] else (best, ())


def has(files: Sequence[str], migration: Migration, applied: Sequence[Migration]) -> bool:
    """Whether a revision has a migration."""
    return _is_in(migration, [_held(files, _labels(files, files, applied))])


_Held = frozenset[tuple[str, str]]


def _held(files: Iterable[str], labels: Mapping[PurePosixPath, str]) -> _Held:
    """The label, "" where that is not known, and the name of each file."""
    return frozenset((labels.get(_directory(path), ""), PurePosixPath(path).stem) for path in files)


def _is_in(migration: Migration, helds: Iterable[_Held]) -> bool:
    """Whether one of them has it; where a label is not known, its name alone must do."""
    names = {(migration.app, migration.name), ("", migration.name)}
    return any(names & held for held in helds)


def _is_migration(path: PurePosixPath) -> bool:
    kind = path.suffix in (".py", ".sql") and not path.stem.startswith(_NOT_LOADED)
    return kind and path.parent.name == "migrations"


def _directory(path: str) -> PurePosixPath:
    return PurePosixPath(path).parent


def _named(label: str, path: str) -> Migration:
    return Migration(label, PurePosixPath(path).stem)


def _labels(
    files: Iterable[str], before: Iterable[str], applied: Iterable[Migration]
) -> Mapping[PurePosixPath, str]:
    """The labels of directories, as far as they are known."""
    names: dict[str, set[str]] = {}
    for each in applied:
        names.setdefault(each.app, set()).add(each.name)
    directories = dict.fromkeys(map(_directory, files))
    found = {each: each.parent.name for each in directories if each.parent.name in names}
    free = names.keys() - {*found.values()}
    for directory in directories.keys() - found.keys():
        there = {PurePosixPath(path).stem for path in before if _directory(path) == directory}
        tells = bool(there - {_FIRST})
        fitting = [label for label in free if tells and there <= names[label]]
        if len(fitting) == 1:
            found[directory] = fitting[0]
    return found
