"""Which migrations a target's database has had, read from Django's own table."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.backups.processes import failure
from bot.backups.snapshot import environment, psql
from bot.deploys.counting import Pending, State, beyond, to_apply
from bot.deploys.deployment import KEEP, Deployment
from bot.deploys.model import Difference, Migration
from bot.deploys.repository import Repository
from bot.errors import NotFound, OpsbellError
from bot.targets.model import Target

_LIMIT = timedelta(seconds=60)

_APPLIED = """
select to_regclass('django_migrations') is not null as found \\gset
\\if :found
select coalesce(json_agg(json_build_array(app, name) order by id), '[]') from django_migrations;
\\else
select '[]';
\\endif
"""


async def applied(target: Target) -> list[Migration] | None:
    """The migrations in the order in which they were applied; None where no database is
    configured. Raises Failed, Unavailable."""
    try:
        place = target.database()
    except NotFound:
        return None
    done = await target.run(
        psql(target),
        timeout=_LIMIT,
        service=place.service,
        environment=environment(place, "opsbell"),
        stdin=_APPLIED.encode(),
    )
    if done.status:
        raise failure(target, "Reading the migrations", done.status, done.stderr)
    return from_json(json.loads(done.stdout))


async def pending(
    target: Target, repository: Repository, start: str, commit: str, difference: Difference
) -> Pending:
    """What a commit would apply to the database, where `start` runs. Where the database cannot be
    asked, by git alone."""
    had, why = await asked(target)
    if had is None:
        return Pending.of(difference, why)
    files, before = await repository.migrations(commit), await repository.migrations(start)
    return Pending(to_apply(files, before, had, difference.added))


async def state_of(target: Target, repository: Repository, commit: str) -> State:
    """How the database stands to the commit that runs."""
    had, why = await asked(target)
    if had is None:
        return State(why=why)
    files = await repository.migrations(commit)
    return State(len(had), to_apply(files, files, had), beyond(files, had))


async def asked(target: Target) -> tuple[list[Migration] | None, str]:
    """What the database has had; None, and why, where it cannot be asked."""
    try:
        had = await applied(target)
    except OpsbellError as error:
        return None, f"the database cannot be asked ({error.message.rstrip('.')})"
    return had, "" if had is not None else "no database is configured"


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
