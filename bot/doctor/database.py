"""Opsbell's own PostgreSQL: reachable, fit, and this program's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from bot.doctor.model import Finding, beware, unseen, well, wrong
from bot.doctor.patient import Patient
from bot.errors import Unavailable
from bot.os_user import me, username
from bot.store.database import POOL_SIZE, QUEUE_SIZE
from bot.store.embedded import running_url, wheel_version
from bot.store.inspection import Inspection, inspect
from bot.store.migrate import DatabaseTooNew
from bot.store.reach import place
from bot.words import count

AREA = "Database"
VERSIONS = range(14, 19)
"""The main versions of PostgreSQL that Opsbell works on."""

CONNECTIONS = POOL_SIZE + QUEUE_SIZE
"""As many as one Opsbell opens at most."""


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """The database of the configuration; of an embedded one, also the cluster's directory."""
    settings = patient.settings
    if settings.database is None:
        if settings.data.exists() and not settings.data.is_dir():
            yield unseen(AREA, "Embedded PostgreSQL", "It needs a data directory, see below.")
            return
        trouble = _cluster_trouble(settings.data / "postgres")
        if trouble:
            yield wrong(AREA, "Embedded PostgreSQL", *trouble)
            return
        url = running_url(settings.data)
        if url is None:
            yield well(AREA, "Embedded PostgreSQL", _what_starts(settings.data / "postgres"))
            return
    else:
        url = settings.database.reveal()
    try:
        seen = await inspect(url)
    except Unavailable as error:
        yield wrong(AREA, "Connection", error.message, error.hint)
        return
    where = place(url) if settings.database else "the embedded server"
    says = f"{seen.user} reaches {seen.name} at {where}, PostgreSQL {seen.version}."
    yield well(AREA, "Connection", says)
    for finding in (*_server(seen), *_contents(seen, settings.data)):
        yield finding


def _cluster_trouble(cluster: Path) -> tuple[str, str] | None:
    """What keeps the embedded PostgreSQL from starting on a directory, and what to do."""
    if not cluster.exists():
        return None
    if not os.access(cluster, os.R_OK | os.W_OK | os.X_OK):
        found = cluster.stat()
        if found.st_uid == os.geteuid():
            says = f"{cluster} has mode {found.st_mode & 0o777:03o}: {me()} may not use it."
            return says, f"Run: chmod u+rwx {cluster}"
        owner = username(found.st_uid)
        says = f"{cluster} belongs to {owner}, and {me()} may not use it."
        return says, f"Run Opsbell as {owner}, or: sudo chown -R {me()} {cluster.parent}"
    version = cluster / "PG_VERSION"
    if not version.exists():
        if any(cluster.iterdir()):
            says = f"{cluster} is no database of PostgreSQL."
            return says, "Move it away, or set data to another directory in opsbell.yaml."
        return None
    made_by = version.read_text().strip()
    if made_by != wheel_version():
        says = f"{cluster} was made by PostgreSQL {made_by}; this one is {wheel_version()}."
        return says, "Install the Opsbell that made it, or move its data with pg_dump."
    return None


def _what_starts(cluster: Path) -> str:
    if (cluster / "PG_VERSION").exists():
        return f"It is not running; Opsbell starts it on {cluster}."
    return f"Opsbell makes it in {cluster} at the first start."


def _server(seen: Inspection) -> Iterator[Finding]:
    """Whether the server is one on which Opsbell works."""
    if seen.version not in VERSIONS:
        says = f"PostgreSQL {seen.version} is none that Opsbell works on."
        todo = f"Use one from {VERSIONS[0]} to {VERSIONS[-1]}."
        yield wrong(AREA, "Version", says, todo)
    if seen.standby:
        says = f"{seen.name} is on a standby, which takes no changes."
        yield wrong(AREA, "Writing", says, "Write the primary's host in the database URL.")
    elif seen.read_only:
        says = f"Connections of {seen.user} to {seen.name} are read-only."
        todo = f"Run there: alter role {seen.user} reset default_transaction_read_only;"
        yield wrong(AREA, "Writing", says, todo)
    if seen.encoding != "UTF8":
        says = f"{seen.name} has the encoding {seen.encoding}, not UTF8."
        todo = f"Make another: createdb --encoding UTF8 --template template0 {seen.name}_utf8"
        yield wrong(AREA, "Encoding", says, todo)
    if seen.room < CONNECTIONS:
        says = f"{count(max(0, seen.room), 'connection')} left; Opsbell opens up to {CONNECTIONS}."
        todo = "Raise max_connections there, or the limit of this user or database."
        yield beware(AREA, "Connections", says, todo)


def _contents(seen: Inspection, data: Path) -> Iterator[Finding]:
    """Whether the tables are there, or can be made, and fit this program."""
    if seen.migrated and not seen.is_ours:
        says = f"{seen.user} may not use Opsbell's tables in {seen.name}: another user made them."
        yield wrong(AREA, "Tables", says, "Sign in as the user who first ran Opsbell on it.")
    elif not seen.migrated and not seen.may_create:
        schema = seen.schema or "public"
        says = f"{seen.user} may not make tables in the schema {schema} of {seen.name}."
        todo = f"Run there: grant create on schema {schema} to {seen.user};"
        yield wrong(AREA, "Tables", says, todo)
    elif seen.unknown:
        error = DatabaseTooNew(seen.unknown)
        yield wrong(AREA, "Tables", error.message, error.hint)
    elif seen.pending:
        says = f"{count(seen.pending, 'migration')} to apply, which the next start does."
        yield well(AREA, "Tables", says)
    else:
        yield well(AREA, "Tables", "They are those of this Opsbell.")
    if seen.has_history and not (data / "audit.key").exists():
        says = f"{data / 'audit.key'} is gone, so the history so far cannot be proven any more."
        todo = "Put it back from a copy of the data directory before the next start."
        yield wrong(AREA, "Audit key", says, todo)
