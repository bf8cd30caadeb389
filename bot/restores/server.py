"""SQL on a target's server, through the psql beside it: names quoted, answers as lines or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.backups.processes import failure
from bot.backups.snapshot import connection_settings, environment, psql
from bot.targets.marked import MARK
from bot.targets.model import DatabasePlace, Target

QUICK = timedelta(seconds=60)
NAME_BYTES = 63
"""PostgreSQL cuts longer names off."""

# What the role or the database sets for the application's sessions must not end or hinder ours.
_OPTIONS = (
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
    " -c default_transaction_read_only=off -c client_min_messages=warning"
)

_ROWS = "select pg_catalog.row_to_json(asked) from ("
_DATABASE = (
    "select oid::bigint, datname, datallowconn from pg_catalog.pg_database where datname = :'name'"
)


def ident(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def fitted(name: str, ending: str) -> str:
    """`name` with an ending, cut so that both fit into a name; never inside a character."""
    room = NAME_BYTES - len(ending.encode())
    return name.encode()[:room].decode(errors="ignore") + ending


class Server:
    """The PostgreSQL server at `place`, used through the target's tools.

    `mark` names the sessions on the server and the processes in a container, so that they can be
    found and ended. `place` defaults to the target's own database.
    """

    def __init__(self, target: Target, mark: str, place: DatabasePlace | None = None) -> None:
        self.target = target
        self.mark = mark
        self.place = place or target.database()

    @property
    def service(self) -> str | None:
        """The service whose container holds the tools; None for this machine."""
        return self.place.service

    @property
    def elsewhere(self) -> str:
        """A database to be connected to while the place's own is made, renamed or removed."""
        return "postgres" if self.place.name != "postgres" else "template1"

    def environment(self, database: str, options: str = "") -> dict[str, str]:
        """How a tool signs in to a database of the server, with further settings of its session."""
        own = self.place.environment.get("PGOPTIONS", "")
        return environment(self.place, self.mark) | {
            MARK: self.mark,
            "PGDATABASE": database,
            "PGCLIENTENCODING": "UTF8",
            "PGOPTIONS": " ".join(filter(None, (own, _OPTIONS, options))),
        }

    def dbname(self, database: str) -> str:
        """A database's name as an option of a tool that has to be told it."""
        return f"--dbname={connection_settings(database)}"

    async def ask(
        self,
        what: str,
        statements: str,
        database: str | None = None,
        *,
        values: Mapping[str, str] | None = None,
        limit: timedelta = QUICK,
        options: str = "",
    ) -> list[str]:
        """Runs statements one after another, the first error ends it; the lines they answer.

        They name each of the `values` as psql does, which then quotes it: `:'name'` as a text,
        `:"name"` as a name. `what` begins the sentence of a failure. Raises Failed, and
        Unavailable at the limit.
        """
        given = [f"--set={name}={value}" for name, value in (values or {}).items()]
        done = await self.target.run(
            psql(self.target, *given),
            timeout=limit,
            service=self.service,
            environment=self.environment(database or self.elsewhere, options),
            stdin=statements.encode(),
        )
        if done.status:
            raise failure(self.target, what, done.status, done.stderr)
        return done.stdout.removesuffix("\n").split("\n") if done.stdout else []

    async def rows(
        self, what: str, query: str, database: str | None = None, **values: str
    ) -> list[Mapping[str, Any]]:
        """The rows of one query, by column. Raises like `ask`."""
        asked = f"{_ROWS}\n{query}\n) as asked;"
        return [json.loads(line) for line in await self.ask(what, asked, database, values=values)]

    async def database(self, name: str) -> Mapping[str, Any] | None:
        """The row of pg_database, None where the server has no database of that name."""
        found = await self.rows(f"Looking for the database {name}", _DATABASE, name=name)
        return found[0] if found else None


def major(version_number: int | str) -> int:
    """`server_version_num` as the version that people name: 17 of 170011, 9 of 90624."""
    return int(version_number) // 10000
