"""Which migrations a target's database has had, read from Django's own table."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.backups.processes import failure
from bot.backups.snapshot import environment, psql
from bot.deploys.counting import Migrated, Pending, State, beyond, to_apply
from bot.deploys.deployment import KEEP, Deployment
from bot.deploys.model import Difference, Migration
from bot.deploys.repository import Repository
from bot.errors import NotFound, OpsbellError
from bot.targets.model import DatabasePlace, Target

_LIMIT = timedelta(seconds=60)

_APPLIED = """
select to_regclass('django_migrations') is not null as found \\gset
\\if :found
select coalesce(json_agg(json_build_array(app, name) order by id), '[]') from django_migrations;
\\else
select 'null';
\\endif
"""


async def applied(target: Target) -> list[Migration] | None:
    """The migrations in the order in which they were applied, none where Django has no table yet;
    None where no database is configured. Raises Failed, Unavailable."""
    place = _database(target)
    return None if place is None else await _read(target, place) or []


def _database(target: Target) -> DatabasePlace | None:
    try:
        return target.database()
    except NotFound:
        return None


async def _read(target: Target, place: DatabasePlace) -> list[Migration] | None:
    """What Django's table holds; None where there is no such table."""
    done = await target.run(
        psql(target),
        timeout=_LIMIT,
        service=place.service,
        environment=environment(place, "opsbell"),
        stdin=_APPLIED.encode(),
    )
    if done.status:
        raise failure(target, "Reading the migrations", done.status, done.stderr)
    rows = json.loads(done.stdout)
    return None if rows is None else from_json(rows)


async def pending(
    target: Target,
    repository: Repository,
    start: str,
    commit: str,
    difference: Difference,
    migrated: Migrated,
) -> Pending:
    """What a commit would apply to the database, where `start` runs. Where the database cannot be
    asked, or does not tell, by git alone."""
    had, why = await asked(target)
    if had is None:
        return Pending.of(difference, why)
    files, before = await repository.migrations(commit), await repository.migrations(start)
    tried = await _files(repository, migrated.tried)
    return Pending(to_apply(files, before, had, difference.added, tried))


async def state_of(
    target: Target, repository: Repository, commit: str, migrated: Migrated
) -> State:
    """How the database stands to the commit that runs."""
    had, why = await asked(target)
    if had is None:
        return State(why=why)
    files = await repository.migrations(commit)
    later = migrated.begun
    if later and await repository.has(later) and await repository.builds_on(commit, later):
        later = ""  # an app that only that one has was removed on purpose
    tried = await _files(repository, migrated.tried)
    missing = to_apply(files, files, had, tried=tried)
    return State(len(had), missing, beyond(files, had, await _files(repository, later)))


async def _files(repository: Repository, commit: str) -> list[str]:
    """The migrations of a commit; none where there is no such commit any more."""
    there = commit and await repository.has(commit)
    return await repository.migrations(commit) if there else []


async def asked(target: Target) -> tuple[list[Migration] | None, str]:
    """What the database has had; None, and why, where it cannot be asked or does not tell."""
    place = _database(target)
    if place is None:
        return None, "no database is configured"
    try:
        had = await _read(target, place)
    except OpsbellError as error:
        return None, f"the database cannot be asked ({error.message.rstrip('.')})"
    return had, "" if had is not None else "the database has no table django_migrations"


def as_json(migrations: list[Migration] | None) -> list[list[str]] | None:
    """The form in which a step's result keeps them."""
    return None if migrations is None else [[each.app, each.name] for each in migrations]


def from_json(value: Any) -> list[Migration]:
    """The reverse of `as_json`."""
    return [Migration(app, name) for app, name in value]


def kept_in(deployment: Deployment) -> list[Migration] | None:
    """The migrations that the database had had before a deploy; None where that is not known."""
    value = deployment.result(KEEP).get("migrations")
    return None if value is None else from_json(value)
